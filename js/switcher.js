// @ts-check
import { TabardSwitcher } from "./src/switcher/element.js";

if (globalThis.customElements && !customElements.get("tabard-switcher")) customElements.define("tabard-switcher", TabardSwitcher);

export { TabardSwitcher };

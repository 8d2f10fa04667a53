// @ts-check
export { organizationOf, partitionOf, permissionOf, sessionOf, switchOf, tabardSwitcher, tokenOf } from "./src/svelte.js";

// @ts-check
export { fetchOf, organizationOf, partitionOf, permissionOf, sessionOf, switchOf, tabardSwitcher, tokenOf } from "./src/svelte.js";

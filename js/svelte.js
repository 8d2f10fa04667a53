// @ts-check
export { fetchOf, organizationOf, partitionOf, permissionOf, proofOf, sessionOf, switchOf, tabardSwitcher, tokenOf } from "./src/svelte.js";

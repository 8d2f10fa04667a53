// @ts-check
export { organizationOf, partitionOf, sessionOf } from "./src/svelte.js";

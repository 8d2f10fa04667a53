export { default as RequireOrganization } from "./RequireOrganization.svelte";
export { default as SignedIn } from "./SignedIn.svelte";
export { default as SignedOut } from "./SignedOut.svelte";
export { default as TabardPartition } from "./TabardPartition.svelte";
export { default as TabardSwitcher } from "./TabardSwitcher.svelte";

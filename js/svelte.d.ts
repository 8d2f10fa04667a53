import type { Readable } from "svelte/store";
import type { Client, Organization, Partition, State } from "./index.js";

/** Where the tab stands: `const session = sessionOf(tabard)`, then `$session.status`. */
export function sessionOf(client: Client): Readable<State>;

/** The tab's active organization, whose data may be shown; null if it has none. */
export function organizationOf(client: Client): Readable<Organization | null>;

/** The scope of what belongs to person and organization: its `key` for cache keys, its `signal` for requests. */
export function partitionOf(client: Client): Readable<Partition>;

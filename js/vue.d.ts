import type { App, Component, ComputedRef, ShallowRef } from "vue";
import type { Client, Organization, Partition, State } from "./index.js";

/** The plugin that makes the page's client known to an app: `app.use(createTabard(client))`. */
export function createTabard(client: Client): { install(app: App): void };

/** The client itself, for everything that has no function here. */
export function useTabard(): Client;

/** Where the tab stands. On a server, and until a component of the page is mounted, that is `starting`. */
export function useSession(): Readonly<ShallowRef<State>>;

/** The tab's active organization, whose data may be shown; null if it has none. */
export function useOrganization(): ComputedRef<Organization | null>;

/** The scope of what belongs to person and organization: its `key` for cache keys, its `signal` for requests. */
export function usePartition(): ComputedRef<Partition>;

/**
 * Mounts its slot anew for each {@link Partition.key}: what components keep, a half-written form included, never reaches
 * another organization or person.
 */
export const TabardPartition: Component;

/**
 * A function that gets the access token of the tab's organization. It throws an `AbortError` where the tab
 * goes on to another organization meanwhile.
 */
export function useToken(): () => Promise<string>;

import type { Readable } from "svelte/store";
import type { Client, Organization, Partition, State, SwitchResult } from "./index.js";
import type { TabardSwitcher } from "./switcher.js";

/** Where the tab stands: `const session = sessionOf(tabard)`, then `$session.status`. */
export function sessionOf(client: Client): Readable<State>;

/** The tab's active organization, whose data may be shown; null if it has none. */
export function organizationOf(client: Client): Readable<Organization | null>;

/** The scope of data of person and organization: its `key` for cache keys, its `signal` for requests. */
export function partitionOf(client: Client): Readable<Partition>;

/** Whether the person has a permission in the tab's organization, to show what it is for. The API decides. */
export function permissionOf(client: Client, permission: string): Readable<boolean>;

/**
 * A function that gets the access token of the tab's organization. It throws an `AbortError` where the tab goes on to
 * another organization meanwhile.
 */
export function tokenOf(client: Client): () => Promise<string>;

/**
 * {@link Client.fetch} for the organization that the tab has now. Call it in the script of a component in a partition: what
 * that asks when the tab has gone to another organization throws an `AbortError`. A form belongs to the
 * organization it was typed for: send it by this.
 */
export function fetchOf(client: Client): typeof globalThis.fetch;

/** {@link Client.proof} for the same organization as {@link fetchOf}: what a form holds may go by `XMLHttpRequest`. */
export function proofOf(client: Client): Client["proof"];

export interface OrganizationSwitch {
  /** The organization that is being switched to; null without a switch. */
  readonly switching: string | null;
  /** How the last switch ended; null before the first, and while one is under way. */
  readonly result: SwitchResult | null;
}

/** Switches this tab to another organization, and tells how it goes: `const change = switchOf(tabard)`, then `$change.switching`. */
export function switchOf(client: Client): Readable<OrganizationSwitch> & { switchOrganization(organization: string): Promise<SwitchResult> };

/** The properties that the switcher's element has. */
export type SwitcherProperties = Pick<TabardSwitcher, "client"> & Partial<Pick<TabardSwitcher, "texts" | "badge" | "address">>;

/**
 * An action that loads the element of `@tabard/client/switcher` and gives it its properties, in a page that a server
 * rendered too: `<tabard-switcher use:tabardSwitcher={{ client: tabard }}></tabard-switcher>`.
 */
export function tabardSwitcher(element: TabardSwitcher, properties: SwitcherProperties): { update(properties: SwitcherProperties): void };

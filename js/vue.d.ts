import type { App, Component, ComputedRef, ShallowRef } from "vue";
import type { Client, Organization, Partition, State, SwitchResult } from "./index.js";
import type { SwitcherTexts, TabardSwitcher as Switcher } from "./switcher.js";

/** The plugin that makes the page's client known to an app: `app.use(createTabard(client))`. */
export function createTabard(client: Client): { install(app: App): void };

/** The client itself, for everything that has no function here. */
export function useTabard(): Client;

/** Where the tab stands. On a server, and until a component of the page is mounted, that is `starting`. */
export function useSession(): Readonly<ShallowRef<State>>;

/** The tab's active organization, whose data may be shown; null if it has none. */
export function useOrganization(): ComputedRef<Organization | null>;

/** The scope of data of person and organization: its `key` for cache keys, its `signal` for requests. */
export function usePartition(): ComputedRef<Partition>;

/**
 * Mounts its slot anew for each {@link Partition.key}: the state of components, a half-written form included, never reaches
 * another organization or person.
 */
export const TabardPartition: Component;

/**
 * A function that gets the access token of the tab's organization. It throws an `AbortError` where the tab
 * goes on to another organization meanwhile.
 */
export function useToken(): () => Promise<string>;

/**
 * {@link Client.fetch} for the organization for which the component was set up, in a {@link TabardPartition}: what it asks
 * when the tab has gone to another throws an `AbortError`. A form belongs to the organization it was typed for:
 * send it by this.
 */
export function useOrganizationFetch(): typeof globalThis.fetch;

/** {@link Client.proof} for the same organization as {@link useOrganizationFetch}: what a form holds may go by `XMLHttpRequest`. */
export function useOrganizationProof(): Client["proof"];

/** Whether the person has a permission in the tab's organization, to show what it is for. The API decides. */
export function usePermission(permission: string): ComputedRef<boolean>;

export interface OrganizationSwitch {
  /** As {@link Client.switchOrganization}. */
  switchOrganization(organization: string): Promise<SwitchResult>;
  /** The organization that is being switched to; null without a switch. */
  readonly switching: ComputedRef<string | null>;
  /** How the last switch ended; null before the first, and while one is under way. */
  readonly result: ComputedRef<SwitchResult | null>;
}

/** Switches this tab to another organization, and tells how it goes. */
export function useSwitchOrganization(): OrganizationSwitch;

/** Shows its slot while somebody is signed in, with an organization or without. On a server it is empty. */
export const SignedIn: Component;

/** Shows its slot while it is known that the person is signed out. */
export const SignedOut: Component;

/**
 * Shows its slot while the tab has an organization whose data may be shown, in a {@link TabardPartition}, and to those who
 * have the `permission`, if one is named. Otherwise the slot `fallback` gets the {@link State}.
 */
export const RequireOrganization: Component<{ permission?: string }>;

/**
 * The element `<tabard-switcher>` of `@tabard/client/switcher`, which it loads, with the app's client. It emits `switch`
 * and `before-switch`, each with the element's event.
 */
export const TabardSwitcher: Component<{ texts?: Partial<SwitcherTexts>; badge?: Switcher["badge"]; address?: Switcher["address"] }>;

import type { Component, Snippet } from "svelte";
import type { Client, State } from "../index.js";
import type { SwitcherProperties } from "../svelte.js";

export interface TabardProps {
  /** The page's client. */
  client: Client;
  children?: Snippet;
}

/** Shows its content while somebody is signed in, with an organization or without. */
export const SignedIn: Component<TabardProps>;

/** Shows its content while it is known that nobody is signed in. */
export const SignedOut: Component<TabardProps>;

/** Makes its content anew for each partition: nothing typed or loaded for one organization or person is shown in another. */
export const TabardPartition: Component<TabardProps>;

/**
 * Shows its content while the tab has an organization whose data may be shown, in a {@link TabardPartition}, and to those
 * who have the `permission`, if one is named. Otherwise the snippet `fallback` gets the {@link State}.
 */
export const RequireOrganization: Component<TabardProps & { permission?: string; fallback?: Snippet<[State]> }>;

/** The element `<tabard-switcher>` of `@tabard/client/switcher`, which it loads. Further properties are its attributes. */
export const TabardSwitcher: Component<SwitcherProperties & Record<string, unknown>>;

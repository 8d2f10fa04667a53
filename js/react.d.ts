import type { DetailedHTMLProps, HTMLAttributes, ReactElement, ReactNode } from "react";
import type { Client, Organization, Partition, State, SwitchResult } from "./index.js";
import type { TabardSwitcher as Switcher } from "./switcher.js";

export interface TabardProviderProps {
  /** The page's client, made once and outside of any component: `createClient({ backend: "/auth" })`. */
  client: Client;
  children?: ReactNode;
}

/** Makes the client known to the components in it. It may stand in a page that is rendered on a server. */
export function TabardProvider(props: TabardProviderProps): ReactElement;

/** The client itself, for everything that has no hook. */
export function useTabard(): Client;

/** Where the tab stands. On a server, and while its page is taken over, that is `starting`. */
export function useSession(): State;

/**
 * The tab's active organization, whose data may be shown; null if it has none. The same object while it is
 * the same organization. Of a session that has ended, {@link State.organization} says whose it was.
 */
export function useOrganization(): Organization | null;

/** The scope of data of person and organization: {@link Partition.key} for cache keys, its signal for requests. */
export function usePartition(): Partition;

export interface ChildrenProps {
  children?: ReactNode;
}

export interface TabardPartitionProps extends ChildrenProps {
  /**
   * The organization, by slug or id, that the router's address names, where the children are the page at that address; undefined
   * where it names none. Address and tab do not change in the same render. With it, no page is mounted for another organization
   * than the tab's. The page that is left stays, hidden, until the tab is in the next organization; React before 19.2 takes it off.
   */
  named?: string | undefined;
  /** Shown while the address names another organization than the tab's. */
  opening?: ReactNode;
}

/**
 * Mounts its children anew for each {@link Partition.key}: their state, a half-written form included, never reaches
 * another organization or person. Put everything into it that shows an organization's data.
 */
export function TabardPartition(props: TabardPartitionProps): ReactElement;

/**
 * A function that gets the access token of the organization on the screen. Call it for every request. One that was got
 * while another organization was on the screen throws an `AbortError`: it never returns the wrong organization's token.
 */
export function useToken(): () => Promise<string>;

/**
 * {@link Client.fetch} for the organization on the screen: a handler that was made for one organization, and asks when the
 * tab has gone to another, throws an `AbortError`. A form belongs to the organization it was typed for: send it
 * by this.
 */
export function useOrganizationFetch(): typeof globalThis.fetch;

/** {@link Client.proof} for the organization on the screen, as {@link useOrganizationFetch}: what a form holds may go by `XMLHttpRequest`. */
export function useOrganizationProof(): Client["proof"];

export interface OrganizationSwitch {
  /** As {@link Client.switchOrganization}. */
  switchOrganization(organization: string): Promise<SwitchResult>;
  /** The organization that is being switched to; null without a switch. */
  readonly switching: string | null;
  /** How the last switch ended; null before the first, and while one is under way. */
  readonly result: SwitchResult | null;
}

/** Switches this tab to another organization, and tells how it goes. */
export function useSwitchOrganization(): OrganizationSwitch;

/** Whether the person has a permission in the tab's organization, to show what it is for. The API decides. */
export function usePermission(permission: string): boolean;

/** Shows its children while somebody is signed in, with an organization or without. On a server it is empty. */
export function SignedIn(props: ChildrenProps): ReactElement | null;

/** Shows its children while it is known that the person is signed out. */
export function SignedOut(props: ChildrenProps): ReactElement | null;

export interface RequireOrganizationProps extends TabardPartitionProps {
  /** Shown in their place: {@link State.status} says why. Empty by default. */
  fallback?: ReactNode | ((state: State) => ReactNode);
  /** Shows the children to those who have this permission in the organization. The API decides what they may do. */
  permission?: string;
}

/** Shows its children while the tab has an organization whose data may be shown, in a {@link TabardPartition}. */
export function RequireOrganization(props: RequireOrganizationProps): ReactElement;

export interface TabardSwitcherProps extends Partial<Pick<Switcher, "texts" | "badge" | "address">> {
  /** How a switch ended. */
  onSwitch?: (event: CustomEvent<SwitchResult>) => unknown;
  /** Before a switch: `event.preventDefault()` keeps the tab as it is. */
  onBeforeSwitch?: (event: CustomEvent<Organization>) => unknown;
  className?: string;
  id?: string;
}

/**
 * The element `<tabard-switcher>` of `@tabard/client/switcher`, which it loads. It has the provider's client, and shows in a
 * page that a server rendered too.
 */
export function TabardSwitcher(props: TabardSwitcherProps): ReactElement;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      /** The element of `@tabard/client/switcher`; from React 19 on it takes its properties as any component does. */
      "tabard-switcher": DetailedHTMLProps<HTMLAttributes<Switcher>, Switcher> &
        Partial<Pick<Switcher, "client" | "texts" | "badge" | "address">>;
    }
  }
}

import type { Client } from "../index.js";
import type { Problem } from "./errors.js";
import type { SwitchResult } from "./switch.js";

/**
 * Where a tab stands.
 *
 * - `starting`: not known yet; wait for {@link Client.ready}.
 * - `signed_out`: the person is signed out; call {@link Client.signIn}.
 * - `choose`: signed in; offer {@link State.organizations}, then call {@link Client.switchOrganization}.
 * - `choose_account`: several people are signed in in the browser; offer {@link ChooseAccountState.accounts}, then call
 *   {@link Client.switchAccount}. Only where the app has `accounts: several`.
 * - `active`: the tab acts for {@link State.organization}; call {@link Client.fetch} or {@link Client.getToken}.
 * - `denied`: the tab did not enter the organization that the page names: it does not admit the person, or asks for a step-up
 *   first ({@link DeniedState.continue}). {@link State.user} is who they are, {@link State.organizations} is where they may go.
 * - `ended`: the tab's organization session is over, {@link State.error} says why (see {@link Problem.reason}); other
 *   organizations go on. Call {@link Client.switchOrganization} to enter it again, or {@link Client.signIn}.
 * - `unavailable`: the backend cannot be reached and no token lives. No session has ended: the tab tries again by itself.
 */
export type Status = "starting" | "signed_out" | "choose" | "choose_account" | "active" | "denied" | "ended" | "unavailable";

/** A tenant. Bind by `id`; `slug` and `name` may change. */
export interface Organization {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** An organization that the person may enter, with the state that they would meet there. */
export interface OrganizationState extends Organization {
  readonly roles: readonly string[];
  readonly state: "active" | "available" | "step_up_required" | "expired";
}

/** One of a person's sessions, as {@link Client.sessions} lists them. Times are Unix seconds of the server's clock. */
export interface DeviceSession {
  readonly id: string;
  /** Whether it is the session of this browser. */
  readonly current: boolean;
  readonly app: string;
  readonly userAgent: string;
  /** Where the sign-in came from. */
  readonly address: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number;
  readonly deviceBound: boolean;
}

/** A person who is signed in in the browser, as {@link Client.accounts} lists them. */
export interface Account {
  readonly id: string;
  /** Empty where this page could not prove to be of this browser. */
  readonly name: string;
}

/** The person who signed in. `iss` and `sub` identify them at the OpenID provider. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly iss: string;
  readonly sub: string;
}

/** A warning: the organization session ends unless the person does something. */
export interface Idle {
  /** Counts down, a second at a time. */
  readonly secondsLeft: number;
}

/** The page's view of its tab, in every status. */
interface StateOf<S extends Status> {
  readonly status: S;
  /** Numbers the tab's organization; it changes with the organization and the person, like {@link Client.partition}. */
  readonly fence: number;
  readonly organization: Organization | null;
  readonly user: User | null;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  /** The organizations to choose from; null until the backend was asked. See {@link Client.organizations}. */
  readonly organizations: readonly OrganizationState[] | null;
  readonly error: Problem | null;
  /** Whether the session is bound to a key that this browser cannot give away. */
  readonly deviceBound: boolean;
  /**
   * Set in the last part of the organization's idle time, a minute at most: tell the person. Any key, pointer or touch in
   * the page, and in any other tab of the organization, takes it back; no call is needed.
   */
  readonly idle: Idle | null;
  /** Where the app's pages are; only in an app that has an origin for each organization, once the backend has said so. */
  readonly origins?: Origins;
  /** The id of the tab's person, in an app that lets several people be signed in. */
  readonly account?: string;
}

/** Where the pages are of an app that has an origin for each organization. */
export interface Origins {
  /** The origin of the app's own page, which lists all organizations. */
  readonly home: string;
  /** The origin of an organization, with `:organization` in the place of its slug. */
  readonly pattern: string;
}

/** Not known yet. A reloaded tab may show its organization already. */
export type StartingState = StateOf<"starting">;

export interface SignedOutState extends StateOf<"signed_out"> {
  readonly organization: null;
  readonly user: null;
}

export interface ChooseState extends StateOf<"choose"> {
  readonly organization: null;
  readonly user: User;
  readonly organizations: readonly OrganizationState[];
}

export interface ChooseAccountState extends StateOf<"choose_account"> {
  readonly organization: null;
  readonly user: null;
  readonly accounts: readonly Account[];
}

/** {@link State.error} is set where a sign-in for another organization failed, until the person's next action. */
export interface ActiveState extends StateOf<"active"> {
  readonly organization: Organization;
  readonly user: User;
}

/** {@link State.user} and {@link State.organizations} are null where the backend could not say. */
export interface DeniedState extends StateOf<"denied"> {
  /** The organization, by id or slug, as the page named it. */
  readonly named: string;
  readonly error: Problem;
  /**
   * Set where the organization asks for a step-up: leaves the page to authenticate as it asks, and comes back to `returnTo`
   * (default: this page). Where none is asked for any more, the tab enters it at once. The result says how that went.
   */
  readonly continue?: (options?: { returnTo?: string | URL | undefined }) => Promise<SwitchResult>;
}

export interface EndedState extends StateOf<"ended"> {
  readonly error: Problem;
}

/** {@link State.organization} is set where the tab goes on showing it. */
export interface UnavailableState extends StateOf<"unavailable"> {
  readonly error: Problem;
}

/** The page's view of its tab. Frozen, and the same object until something changes. */
export type State = StartingState | SignedOutState | ChooseState | ChooseAccountState | ActiveState | DeniedState | EndedState | UnavailableState;

import type { Action, Code, Ending, Problem } from "./types/errors.js";
import type { Account, DeviceSession, Organization, OrganizationState, State } from "./types/state.js";
import type { AccountResult, SwitchResult } from "./types/switch.js";

export * from "./types/errors.js";
export * from "./types/state.js";
export * from "./types/switch.js";

export interface Options {
  /**
   * The backend's base URL, such as `"/auth"`. It may be left out where this file is loaded from the backend itself
   * (`https://…/auth/client/tabard.js`).
   */
  backend?: string | undefined;
  /** The organization that the page is about, by id or slug, as its route says. It goes before the one that the tab remembers. */
  organization?: string | undefined;
  /** The origins that {@link Client.fetch} sends the token to. Default: the page's own, which a list has to name too. */
  apis?: readonly string[];
  /** The app's id. Default: the app to which the page's origin belongs. */
  app?: string;
  /** Renew tokens even while the tab is hidden. Default: a hidden tab renews when asked. */
  keepAlive?: boolean;
  /** Where the module's `module.json` is. Default: the backend's. */
  module?: string;
  /** Tells every state on the console (at the level "debug"), with its cause. */
  debug?: boolean;
}

/**
 * Answers the question whether the tab may leave its organization: `false` keeps it, `true` says that the person agreed,
 * and no answer says that there is no need to ask, also after the listener has saved what was typed. All listeners are asked, each
 * for its own form, until one answers `false`.
 * One that throws keeps the organization.
 */
export type BeforeSwitch = (change: {
  /** The organization of the tab. */
  readonly from: Organization;
  /** Where it is to go, by id or slug. */
  readonly to: string;
}) => boolean | undefined | void | PromiseLike<boolean | undefined | void>;

/**
 * The scope of data of the person and the organization shown. Put `key` into the app's cache keys and hand
 * `signal` to requests for it; a new organization brings a new partition and aborts the old signal.
 */
export interface Partition {
  /** Empty while no organization is active. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/** A second organization that the page acts for without switching. */
export interface Scope {
  /** As {@link Client.getToken}, for this organization. */
  getToken(options?: TokenOptions): Promise<string>;
  /** As {@link Client.fetch}, for this organization. */
  fetch: typeof globalThis.fetch;
  /** As {@link Client.proof}, for this organization. */
  proof(url: string | URL, options?: ProofOptions): Promise<RequestHeaders>;
  /** As {@link Client.connect}, for this organization. It is closed when {@link signal} aborts. */
  connect(url: string | URL): Promise<WebSocket>;
  /** Aborts when the organization refuses, the person signs out or the client is closed. */
  readonly signal: AbortSignal;
}

export interface SignInOptions {
  organization?: string;
  returnTo?: string | URL;
  /** Passed on to the OpenID provider: `login` asks the person again, `select_account` lets them choose, `none` asks no question. */
  prompt?: string;
  /** Who is expected to sign in, for the provider's form: an e-mail address, for example. */
  loginHint?: string;
  /** The person's e-mail address. If an organization has verified its domain, it leads to that organization's provider. */
  email?: string;
  /**
   * In an app that lets several people be signed in: `another` adds a person, and the id of one lets them sign in again
   * beside the others. Without it, a sign-in ends the sessions of all others in this browser. The page is left. Who comes
   * back as somebody else than asked changes nothing: {@link State.error} is `account_mismatch`.
   */
  account?: "another" | (string & {});
  /** Whether the session outlives the browser, where the workspace lets the person choose. */
  staySignedIn?: boolean;
  /**
   * Lets the person sign in in a window of its own, so that the page stays as it is: call it in a click. As
   * {@link StepUpOptions.popup}. In a frame of another site, where browsers send no session, the window shows the app at
   * `returnTo` (default: this page) and the frame stays as it is.
   */
  popup?: boolean | string | URL;
  /** Gives up waiting for the window. */
  signal?: AbortSignal;
}

export interface ProofOptions {
  /** The request's method. Default: `GET`. */
  method?: string | undefined;
  /** Once it aborts, no headers are handed out: a handler that waits before it asks gives {@link Partition.signal} as it began. */
  signal?: AbortSignal | undefined;
}

/** The authorization of one request to an API. */
export interface RequestHeaders {
  readonly Authorization: string;
  /** The proof by the device key (RFC 9449), where the token is bound to it. */
  readonly DPoP?: string;
}

/** The limits of a narrower token. It never has more than the person may do, and neither roles nor the app's claims but its `lent_claims`. */
export interface NarrowerOptions {
  /** Another API: one of the app's `further_audiences` in the workspace file. The default is the app's own. */
  audience?: string;
  /** The token's permissions. The default is all of the person's. */
  permissions?: readonly string[];
  /** How long it lives at most. The default, and the most, is the life of the tab's own token. */
  seconds?: number;
}

export interface TokenOptions extends NarrowerOptions {
  /** Renews the token although it is valid, so that a changed role is seen. If that fails, the old one is kept. */
  forceRefresh?: boolean;
}

export interface LendOptions extends NarrowerOptions {
  permissions: readonly string[];
}

/** The limits of the tokens that the page lends. */
export interface Loan {
  /** Transfer it to the borrower, which calls `borrow` of `@tabard/client/borrow`: `worker.postMessage({ port }, [port])`. */
  readonly port: MessagePort;
  /** Lends no more. Tokens that were lent end within their life. */
  end(): void;
}

export interface StepUpOptions {
  /**
   * Lets the person authenticate in a window of its own, so that the page stays as it is: call it in a click. `true` is for
   * a backend on the page's own origin. Otherwise serve the package's `popup.html` and `popup.js` from the app's origin,
   * and give the address of `popup.html`. A browser that blocks the window leads to the code `popup_blocked`; the error's
   * `continue()` leaves the page.
   */
  popup?: boolean | string | URL;
  /** Where to come back to, if the page is left (default: this page). */
  returnTo?: string | URL;
  /** Gives up waiting for the window. */
  signal?: AbortSignal;
}

export interface StepUpRequest extends StepUpOptions {
  /** The authentication context classes of which one will do, as in `acr_values`. */
  acrValues?: string | readonly string[];
  /** The largest age of the authentication in seconds. Default: 0, if there are no `acrValues`. */
  maxAge?: number;
}

export interface Client {
  /**
   * Settles when {@link State.status} has left `starting`. Waiting for it is optional: every call waits by itself. On a
   * server, where there is no tab, it rejects with `not_in_browser`.
   */
  readonly ready: Promise<void>;
  /** Where the tab stands now. Call {@link subscribe} to hear of changes. */
  readonly state: State;
  /** For the app's own caches. */
  readonly partition: Partition;
  /**
   * Leaves the page to sign in, and comes back to `returnTo` (default: this page), exactly as it is written. A long one
   * waits in `sessionStorage`: the page at its path has to load the client, which goes on to it. A sign-in that ended without a
   * session comes back with {@link State.error}. With a `popup` it resolves when the person has signed in there.
   * @throws {TabardError} `in_frame` in a frame, where no sign-in can be shown: use a `popup`, or open the page in a tab.
   * With a `popup`, `popup_blocked` and how the sign-in ended: the error's `continue()` leaves the page instead.
   */
  signIn(options?: SignInOptions): Promise<void>;
  /**
   * This tab's organization's access token, living for some seconds at least. Ask for each request; it is renewed
   * when due. Most pages call {@link fetch} instead.
   * @throws {TabardError} `action` names the next call.
   */
  getToken(options?: TokenOptions): Promise<string>;
  /**
   * `fetch` for the organization: attaches the token to requests to {@link Options.apis}, and to no others; aborts when
   * the tab changes organization (the reason is a {@link TabardError} `organization_left`, named `AbortError`); renews once
   * on 401, and on a 403 `insufficient_scope`, unless the body can be read only once.
   * @throws {TabardError} where there is no token. Where the API asks for another authentication (401
   * `insufficient_user_authentication`, RFC 9470) no request is sent again: offer the person the error's `continue()`, and
   * repeat the request when it resolves.
   */
  fetch: typeof globalThis.fetch;
  /**
   * Opens a WebSocket of one of {@link Options.apis} for the organization, and resolves when the API has taken the token,
   * which is sent in the first message and renewed while the WebSocket is open. It is closed when the tab leaves the
   * organization, with the code 4000 and the reason `organization_left`, and by the API with 4401 when the session ends:
   * connect again if the tab is still `active`. Messages that begin with `{"tabard":` are the protocol's.
   * @throws {TabardError} as {@link fetch} does, and `temporarily_unavailable` if it cannot be opened.
   */
  connect(url: string | URL): Promise<WebSocket>;
  /**
   * Lends tokens to a worker, a frame or a helper that the page does not trust with its own: for these permissions only, and
   * until the tab leaves its organization. Lent tokens are refused by the backend, and open at APIs only resources that demand one of
   * their permissions.
   * @throws {TabardError} `insufficient_permissions` if the person does not have them.
   */
  lend(options: LendOptions): Promise<Loan>;
  /**
   * The headers for one request that the page sends by other means than {@link fetch}, such as `XMLHttpRequest` for an upload:
   * the token of the organization that the tab has at the call and, where tokens are bound to the device key, a proof for this
   * address and method, which is good once and for some seconds. The address is of one of {@link Options.apis}.
   * @throws {TabardError} where there is no token, and `organization_left`, named `AbortError`, where the tab has left meanwhile.
   */
  proof(url: string | URL, options?: ProofOptions): Promise<RequestHeaders>;
  /**
   * Asks for another authentication of the person before something that needs it, without a request that was refused. It
   * resolves when the tab has a token that meets the demand; without a `popup` it leaves the page.
   */
  stepUp(options?: StepUpRequest): Promise<void>;
  /**
   * Changes this tab to another organization, by id or slug, and no other tab. It never rejects for a refusal of the backend
   * says: look at `status`. On `step_up_required`, offer the person `continue()`. In an app with an origin for each
   * organization the page leaves for that one's, with the status `leaving`, and for the app's own page where `organization` is
   * null.
   */
  switchOrganization(organization: string | null): Promise<SwitchResult>;
  /**
   * Asks the listener before the tab goes from its organization to another: by {@link switchOrganization}, the switcher or,
   * with routes, an address. Ask the person there, about a half-written form for instance. Call the returned function to stop.
   * Changes that the person does not choose are not asked about: a session that ends, or another person who signs in.
   */
  beforeSwitch(listener: BeforeSwitch): () => void;
  /** Acts for a second organization without switching. */
  inOrganization(organization: string): Scope;
  /**
   * The people who are signed in in this browser, where the app lets several be (`accounts: several`); empty where it does not.
   * The tab of a person who signed out lists the others.
   * In the status `choose_account` they stand in {@link ChooseAccountState.accounts} too.
   */
  accounts(): Promise<readonly Account[]>;
  /**
   * Changes this tab to another person who is signed in in this browser, and no other tab: to `organization`, by id or
   * slug, or to the person's only one, or to the status `choose`. As a switch between organizations, it asks
   * {@link beforeSwitch} first, with the person's id as `to`, and leaves the tab as it is unless the `status` is `switched`.
   */
  switchAccount(id: string, options?: { organization?: string }): Promise<AccountResult>;
  /** Asks which organizations there are to enter; they stand in {@link State.organizations} too. */
  organizations(): Promise<readonly OrganizationState[]>;
  /** The person's sessions in all their browsers, the newest first, to show and to {@link endSession}. */
  sessions(): Promise<readonly DeviceSession[]>;
  /**
   * Ends one of the person's sessions, by its id. To end another than this browser's takes an authentication of the last
   * fifteen minutes: offer the person the error's `continue()`.
   * @throws {TabardError} `not_found` where they have no such session.
   */
  endSession(id: string): Promise<void>;
  /**
   * Opens a page of the app (default: this one) in a new tab of another organization. Call it in a click. In an app with an
   * origin for each organization it opens the path of `url` there (default: the app's first page). Where routes are followed,
   * an address of another organization becomes the first page of this one.
   * @throws {TypeError} where routes are followed and `url` names another organization: the tab would act for that.
   */
  openTab(organization: string, url?: string | URL): void;
  /** Calls the listener after every change of {@link state}. Call the returned function to stop. */
  subscribe(listener: (state: State) => void): () => void;
  /**
   * Ends the tab's organization session (`organization`), the person's session in this browser (`session`, the default),
   * those of everybody in this browser (`browser`, see {@link accounts}) or all
   * of the person's sessions (`everywhere`, which takes an authentication of the last fifteen minutes, as
   * {@link endSession} does). Where the answer has an `endSessionUrl`, navigate there to end the provider's own session
   * too. It comes back to `returnTo`, an address of the app that is registered at the provider (default: the page's
   * `<base href>`, or `/`). `account`, the id of one of the {@link accounts}, signs that person out in this browser
   * (`session`), and the tab of another one goes on as it is.
   * @throws {TabardError} and then no session has ended.
   */
  signOut(options?: {
    scope?: "organization" | "session" | "browser" | "everywhere" | undefined;
    account?: string | undefined;
    returnTo?: string | URL | undefined;
  }): Promise<{ endSessionUrl?: string }>;
  /** Ends the client: signals abort, no request is under way any more, the state stays as it is. */
  close(): void;
}

/** The error of every call but {@link Client.switchOrganization} when the answer is no. */
export class TabardError extends Error {
  constructor(code: Code, action: Action, description?: string, reason?: Ending, retryAfter?: number);
  readonly code: Code;
  /** The action to take, from the code alone. */
  readonly action: Action;
  /** As {@link Problem.reason}. */
  readonly reason: Ending | undefined;
  /** As {@link Problem.retryAfter}. */
  readonly retryAfter: number | undefined;
  /**
   * Of {@link Client.endSession}, {@link Client.signOut}, {@link Client.fetch} and {@link Client.stepUp} with the action
   * `step_up`, and of {@link Client.signIn} with a `popup`: leaves the page to authenticate, and comes back to `returnTo` (default: this page), where the call can be
   * made again. With `popup`, which `fetch` and `stepUp` have, the page stays, and `continue` resolves when a token meets
   * what the API asked for.
   */
  continue: ((options?: StepUpOptions) => Promise<void>) | undefined;
}

/**
 * Makes the page's client: at once, and also while a page is rendered on a server, where it stays `starting`. Make one
 * per page and keep it.
 *
 * ```js
 * const tabard = createClient({ backend: "/auth" });
 * const notes = await tabard.fetch("/api/notes");
 * ```
 */
export function createClient(options?: Options): Client;

import type { Client, Code, Ending, Origins, User } from "./index.js";

/** An organization that a fake client's person may enter. */
export interface FakeOrganization {
  readonly slug: string;
  /** Default: `org_` and the slug. */
  readonly id?: string;
  /** Default: the slug. */
  readonly name?: string;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
  /** Whether it is entered by a step-up. */
  readonly stepUp?: boolean;
}

/** A person of a browser in which several can be signed in. */
export interface FakeAccount {
  /** Default: Ada Lovelace. Give each person an `id`. */
  user?: Partial<User>;
  /** Where the person may go. Default: `acme` and `globex`. */
  organizations?: readonly FakeOrganization[];
  /** Default: true. Somebody who is not yet signed in is who comes back from `signIn({ account: "another" })`. */
  signedIn?: boolean;
}

export interface FakeOptions {
  /** The people of the browser, of an app that lets several be signed in, in place of `user` and `organizations`. */
  accounts?: readonly FakeAccount[];
  /** The id of the one that the tab acts for. Default: the only one, or the status `choose_account`. */
  account?: string;
  /** Where the app's pages are, if it has an origin for each organization. A switch leaves the page then. */
  origins?: Origins;
  /** The person. Default: Ada Lovelace. */
  user?: Partial<User>;
  /** Where the person may go. Default: `acme` and `globex`. The tab of a person with one organization acts for it at once. */
  organizations?: readonly FakeOrganization[];
  /** The organization that the page names, by id or slug. One that the person may not enter is `denied`. */
  organization?: string;
  /** `signed_out`: nobody is signed in. `starting`: not known yet; {@link FakeClient.start} ends it. */
  status?: "signed_out" | "starting";
  /** Origins that `fetch` sends the token to. Default: the page's own. */
  apis?: readonly string[];
}

/** How the page was left, or would have been: nothing is opened in a test. */
export interface Departure {
  /** `sign_in` and `step_up` end by {@link FakeClient.comeBack}; a `new_tab` leaves this one alone; an `origin` is another organization's. */
  readonly to: "sign_in" | "step_up" | "new_tab" | "origin";
  /** As it was named. */
  readonly organization?: string;
  readonly returnTo?: string;
  /** Whom a sign-in is for: `another`, or an id. */
  readonly account?: string;
  /** Where the page at another organization's own origin is; that of the app's own page without an `organization`. */
  readonly url?: string;
  /** Set where the step-up has a window of its own. */
  readonly popup?: true;
}

/**
 * A client without network, WebAssembly or storage: the types, the states and their order are the real client's, and the
 * test says what happens. Its tokens can be read and are not signed.
 */
export interface FakeClient extends Client {
  /** Ends `starting`. */
  start(): void;
  /** The tab acts for an organization from now on, as after a switch, or a sign-in, that nobody asked about. */
  switchTo(organization: string): void;
  /** The tab's organization session ends. Default: `idle`. */
  end(reason?: Ending): void;
  /**
   * The backend refuses the next request, whatever it is for: a switch, a token (the one at hand counts as expired), a list or a
   * sign-out.
   */
  denyNext(code: Code, more?: { reason?: Ending; retryAfter?: number }): void;
  /** The session has ended: by the person in another tab, or for the reason that a code says. */
  signOutElsewhere(code?: Code): void;
  /**
   * The person is back from the last {@link departures}: signed in, or authenticated as was asked. With a code, how it failed:
   * `access_denied`, for example.
   */
  comeBack(code?: Code): void;
  /** How the page was left, in order. */
  readonly departures: readonly Departure[];
  /** The backend cannot be reached from now on. The tab goes on while its token lives. */
  goOffline(): void;
  /** The backend can be reached again, and an `unavailable` tab goes on. */
  goOnline(): void;
  /** The token at hand has expired, and the tab asks for another: without a backend it is `unavailable` then. */
  expireToken(): void;
  /** The person did nothing for long: `state.idle` says that so many seconds are left. 0 takes the warning back. */
  warnIdle(secondsLeft: number): void;
}

/**
 * Makes a fake client for a test. Each call makes a new one.
 *
 * ```js
 * const fake = createFakeClient({ organization: "acme" });
 * render(<TabardProvider client={fake}><App /></TabardProvider>);
 * fake.end("idle");
 * ```
 */
export function createFakeClient(options?: FakeOptions): FakeClient;

import type { Client, Organization, SwitchResult } from "./index.js";

/** Where an organization stands in the app's addresses. */
export interface RoutePattern {
  /** A path with a segment `:organization`, such as `"/app/:organization/*"`. Default: `"/:organization/*"`. */
  pattern?: string | undefined;
  /** Segments that may stand in that place and name no organization, such as `["settings", "invitations"]`. */
  except?: readonly string[] | undefined;
}

/**
 * The organization, by slug or id, that an address names (default: the page's); undefined where it names none. Hand it
 * to `createClient({ organization })`. On a server, pass the request's URL.
 */
export function organizationOf(options?: RoutePattern & {
  /**
   * Where each organization has an origin of its own: the host, such as `":organization.app.example.com"`, as the app's
   * `origins` in the workspace file have it. The path is not read then, and `except` are labels of other hosts.
   */
  host?: string | undefined;
  url?: string | URL | undefined;
}): string | undefined;

export interface RouteOptions extends RoutePattern {
  /**
   * Changes the address by the app's router. Return the router's promise: where it is fulfilled and the address is the old
   * one, the router keeps it, and the tab stays in its organization. A function that returns nothing has a second.
   * Default: the History API, and a `popstate` event, by which most routers notice, and React Router's blockers are asked.
   */
  navigate?(url: string, options: { replace: boolean }): void | Promise<unknown>;
  /**
   * The address at which an organization's pages begin, where the tab entered it by something else than its
   * address. Default: {@link RoutePattern.pattern} up to the organization's slug.
   */
  home?(organization: Organization): string;
  /**
   * Follow the address only when {@link Routes.follow} is called: for routers that tell when they have arrived, and whose guards
   * may take their time about *Back* and *Forward*. With Vue Router, `router.afterEach((to, from, failure) => failure || routes.follow())`;
   * with SvelteKit, `afterNavigate(() => routes.follow())`. Default: false.
   */
  manual?: boolean | undefined;
}

/** How a change of route ended, where the tab did not enter the organization that the address names. */
export type RouteProblem = Exclude<SwitchResult, { readonly status: "switched" }>;

/**
 * Where address and tab stand to each other.
 *
 * - `settled`: they agree, or the address names no organization.
 * - `switching`: the address names an organization that is not active in the tab yet. Show none of its pages.
 * - `stayed`: the tab stays with its organization; `result` says why, and the address is again the one that belongs to
 *   it. Its code is `navigation_blocked` where the app's router kept the address, as for a person who stays with a draft, and
 *   `switch_declined` where the page's own question kept it ({@link Client.beforeSwitch}).
 *   Call `go(url)` where the person wants to try again, or `result.continue()` where a step-up is asked for.
 * - `denied`: the page began at an address whose organization the tab did not enter, so that there is none to stay with;
 *   `result` says why. Offer `result.continue()` where a step-up is asked for, and otherwise the organizations of the client's
 *   state.
 *
 * Frozen, and the same object until something changes.
 */
export type RouteState =
  | { readonly status: "settled" }
  | { readonly status: "switching"; readonly organization: string; readonly url: string }
  | { readonly status: "stayed" | "denied"; readonly organization: string; readonly url: string; readonly result: RouteProblem };

export interface Routes {
  readonly state: RouteState;
  /**
   * Whether the app's router need not ask: the person has just agreed to leave the organization ({@link Client.beforeSwitch}), while
   * the address changes to the next, or the router is led back to the address of the organization. See {@link blocker}.
   */
  readonly agreed: boolean;
  /**
   * Makes the router's blocker and {@link Client.beforeSwitch} ask once between them: to what the person has agreed by the one,
   * the other does not ask. `useBlocker(routes.blocker(() => draft !== ""))`; with Vue Router, hand it the guard's `to`.
   * The router also asks it where a script changes the address past the router, and where something was typed since it asked.
   */
  blocker<Args extends unknown[]>(blocks: (...args: Args) => boolean): (...args: Args) => boolean;
  /** Calls the listener after every change of {@link state}. Call what it returns to stop. */
  subscribe(listener: (state: RouteState) => void): () => void;
  /**
   * Goes to an address, as a person asked. Where it names another organization, that one is entered first and the address
   * changes afterward: refused, failed, overtaken or blocked, both stay as they are, and the result says why. `unchanged`: the
   * address names no other organization.
   */
  go(url: string | URL, options?: { replace?: boolean | undefined }): Promise<SwitchResult | { readonly status: "unchanged" }>;
  /** The address at which an organization's pages begin. Such links open a tab of that organization, however they are opened. */
  home(organization: Organization): string;
  /**
   * Says that the address has changed. Needed only with {@link RouteOptions.manual}, and in browsers without the Navigation API
   * after the app's router called `pushState` or `replaceState`; harmless elsewhere.
   */
  follow(): void;
  /** Ends the following. */
  close(): void;
}

/**
 * Lets the tab's organization follow the page's address, and the address follow the tab. Of an organization that was
 * entered in this tab a token is at hand, and no request is made; otherwise one is minted. An address, back and forward
 * included, never brings back an organization that the person has signed out of: that takes `go()` or
 * `switchOrganization()`.
 *
 * ```js
 * const tabard = createClient({ backend: "/auth", organization: organizationOf() });
 * const routes = followRoutes(tabard);
 * ```
 */
export function followRoutes(client: Client, options?: RouteOptions): Routes;

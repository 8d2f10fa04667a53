// @ts-check
// Which organisation a tab wears is the module's; this lets the page's address
// and the tab follow each other, and undoes what one of them refuses.

import { change, here, restore, watch } from "./address.js";
import { Pattern } from "./pattern.js";

/** @import { Client, Organization, State, SwitchResult } from "../../index.js" */
/** @import { RouteOptions, RouteProblem, Routes, RouteState } from "../../routes.js" */

const settled = Object.freeze({ status: /** @type {const} */ ("settled") });

/**
 * @param {import("../../routes.js").RoutePattern & {url?: string | URL}} [options]
 */
export function organizationOf({ pattern = "/:organization/*", except = [], url } = {}) {
  const address = url ?? globalThis.location?.href;
  return address === undefined ? undefined : new Pattern(pattern, except).read(new URL(address, "https://localhost"));
}

/**
 * @param {Client} client
 * @param {RouteOptions} [options]
 * @returns {Routes}
 */
export function followRoutes(client, options = {}) {
  const follower = new Follower(client, options);
  if (typeof document !== "undefined") follower.begin();
  /** @type {Routes} */
  const routes = {
    get state() {
      return follower.state;
    },
    subscribe: (listener) => follower.subscribe(listener),
    go: (url, { replace = false } = {}) => follower.go(new URL(url, location.href), replace),
    home: (organization) => follower.home(organization),
    follow: () => follower.arrived(),
    close: () => follower.close(),
  };
  return Object.freeze(routes);
}

class Follower {
  #client;
  #pattern;
  #navigate;
  #closing = new AbortController();
  /** @type {Set<(state: RouteState) => void>} */
  #listeners = new Set();
  /** Numbers the changes of route: the last one counts. */
  #turn = 0;
  /** Whether a switch of the last turn is under way. */
  #busy = false;
  /** The address as last seen. */
  #seen = "";
  /** The last entry that belonged to what the tab wears. @type {import("./address.js").Entry} */
  #shown = { url: "", state: null, key: undefined };
  /** The id of the organisation worn when address and tab last agreed. @type {string | undefined} */
  #worn;

  /** @type {RouteState} */
  state = settled;
  home;

  /**
   * @param {Client} client
   * @param {RouteOptions} options
   */
  constructor(client, { pattern = "/:organization/*", except = [], navigate, home }) {
    this.#client = client;
    this.#pattern = new Pattern(pattern, except);
    this.#navigate = navigate ?? ((url, { replace }) => change(url, replace));
    this.home = home ?? ((/** @type {Organization} */ { slug }) => this.#pattern.home(slug));
  }

  begin() {
    this.#agree();
    watch(() => this.arrived(), this.#closing.signal);
    const stop = this.#client.subscribe((state) => this.#heard(state));
    this.#closing.signal.addEventListener("abort", stop);
    // What the client was told of the address at its start, it has dealt with; a client that was told nothing has not.
    this.#client.ready.then(() => wearing(this.#client.state) && !this.#busy && this.#compare());
  }

  /** The address may have changed. */
  arrived() {
    if (location.href !== this.#seen && !this.#closing.signal.aborted) this.#compare();
  }

  #compare() {
    this.#seen = location.href;
    const { organization } = this.#client.state;
    const named = this.#pattern.read(new URL(location.href));
    if (named && !names(organization, named)) return void this.#enter(named);
    if (this.#busy && organization) return void this.#enter(organization.id); // overtakes what is under way
    const back = location.href === this.#shown.url && this.state.status === "stayed";
    this.#agree();
    if (!back) this.#publish(settled);
  }

  /** What the address says is what the tab wears. */
  #agree() {
    this.#shown = here();
    this.#seen = this.#shown.url;
    this.#worn = this.#client.state.organization?.id;
  }

  /**
   * Follows an address that is there already.
   * @param {string} named
   */
  async #enter(named) {
    const url = location.href;
    const result = await this.#attempt(named, url, false);
    if (!result) return;
    if (result.status === "switched") {
      this.#agree();
      this.#publish(settled);
    } else if (!this.#movedOn()) {
      if (location.href === url && owns(this.#client.state, this.#worn)) restore(this.#shown);
    }
  }

  /**
   * @param {URL} url
   * @param {boolean} replace
   * @returns {Promise<SwitchResult | {status: "unchanged"}>}
   */
  async go(url, replace) {
    const { href } = url;
    const named = this.#pattern.read(url);
    if (!named || (names(this.#client.state.organization, named) && wearing(this.#client.state))) {
      this.#navigate(href, { replace });
      this.arrived();
      return { status: "unchanged" };
    }
    const result = await this.#attempt(named, href, true);
    if (!result) return overtaken;
    if (result.status === "switched") this.#move(href, replace);
    else this.#movedOn();
    return result;
  }

  /**
   * Changes the address to one that belongs to what the tab wears by now.
   * @param {string} url
   * @param {boolean} replace
   */
  #move(url, replace) {
    this.#worn = this.#client.state.organization?.id;
    this.#publish(settled);
    this.#navigate(url, { replace });
    this.arrived();
  }

  /**
   * Switches the tab; undefined where a later change of route counts instead.
   * @param {string} organization
   * @param {string} url the address that wants it
   * @param {boolean} chosen by a person, not by an address
   */
  async #attempt(organization, url, chosen) {
    const turn = ++this.#turn;
    this.#busy = true;
    this.#publish({ status: "switching", organization, url });
    const current = () => turn === this.#turn && !this.#closing.signal.aborted;
    const refusal = chosen ? undefined : await refusalOf(this.#client, organization);
    if (!current()) return undefined;
    const result = refusal ?? (await this.#client.switchOrganization(organization));
    if (!current()) return undefined;
    this.#busy = false;
    if (result.status === "switched") return result;
    const problem = comingTo(result, url);
    this.#publish({ status: "stayed", organization, url, result: problem });
    return problem;
  }

  /** @param {State} state */
  #heard(state) {
    if (!this.#busy && wearing(state) && state.organization?.id !== this.#worn) this.#movedOn();
  }

  /** Follows a tab that came to wear something else than its address said. Tells whether it did. */
  #movedOn() {
    const { state } = this.#client;
    if (!state.organization || !wearing(state) || state.organization.id === this.#worn) return false;
    const named = this.#pattern.read(new URL(location.href));
    if (!named || names(state.organization, named)) {
      this.#agree();
      this.#publish(settled);
    } else {
      this.#move(new URL(this.home(state.organization), location.href).href, this.#worn === undefined);
    }
    return true;
  }

  /** @param {RouteState} state */
  #publish(state) {
    if (state === this.state) return;
    this.state = Object.freeze(state);
    for (const listener of this.#listeners) queueMicrotask(() => this.#listeners.has(listener) && listener(this.state));
  }

  /** @param {(state: RouteState) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close() {
    this.#closing.abort();
    this.#listeners.clear();
  }
}

/** @type {RouteProblem} */
const overtaken = Object.freeze({ status: "overtaken", code: "overtaken", action: "retry", description: "a later change of route came" });

/** @param {State} state */
const wearing = ({ status, organization }) => organization !== null && (status === "active" || status === "unavailable" || status === "starting");

/**
 * Whether the tab is still of the organisation that it wore.
 * @param {State} state
 * @param {string | undefined} id
 */
const owns = ({ organization }, id) => organization !== null && organization.id === id;

/**
 * @param {Organization | null} organization
 * @param {string} name
 */
const names = (organization, name) => organization !== null && (organization.id === name || organization.slug === name);

/**
 * Gets a token of an organisation without entering one that the person has left,
 * and tells why there is none. The switch that follows then needs no request.
 * @param {Client} client
 * @param {string} organization
 * @returns {Promise<RouteProblem | undefined>}
 */
async function refusalOf(client, organization) {
  try {
    await client.inOrganization(organization).getToken();
  } catch (/** @type {any} */ error) {
    const { code, action, message } = error;
    if (action === undefined) return overtaken; // the scope ended: with the person, or the client
    if (code === "insufficient_user_authentication") return undefined; // the switch says how to step up
    const status = code === "overtaken" ? "overtaken" : action === "retry" ? "unavailable" : "refused";
    return { status, code, action, description: message };
  }
}

/**
 * A step-up for a route leads to the route.
 * @param {RouteProblem} result
 * @param {string} url
 * @returns {RouteProblem}
 */
function comingTo(result, url) {
  if (result.status !== "step_up_required") return result;
  return { ...result, continue: ({ returnTo = url } = {}) => result.continue({ returnTo }) };
}

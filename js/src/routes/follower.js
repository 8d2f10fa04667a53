// @ts-check
// The module decides the tab's organization; the routes keep the page's address and the
// tab together. The address goes first, for its router may keep it; the tab follows.

import { declined } from "../gate.js";
import { own } from "../own.js";
import { change, currentEntry, isPending, request, restore, watch } from "./address.js";
import { routesHook } from "./hook.js";
import { Pattern } from "./pattern.js";
import { blocked, denialOf, isActive, isStill, matches, overtaken, refusalOf, withReturnTo } from "./result.js";

/** @import { Client, Organization, State, SwitchResult } from "../../index.js" */
/** @import { RouteOptions, RouteProblem, RouteState } from "../../routes.js" */

const settled = Object.freeze({ status: /** @type {const} */ ("settled") });

export class Follower {
  #client;
  #pattern;
  #navigate;
  #closing = new AbortController();
  /** @type {Set<(state: RouteState) => void>} */
  #listeners = new Set();
  /** The halves of a switch. @type {import("./hook.js").Steps} */
  #tab;
  /** Numbers the changes of route: the last one counts. */
  #turn = 0;
  /** Whether a change of the last turn is under way. */
  #busy = false;
  /** How the tab came to follow an address in the last turn. @type {Promise<SwitchResult | undefined>} */
  #followed = none;
  /** The address as last seen. */
  #seen = "";
  /** The last entry that belonged to the tab's organization. @type {import("./address.js").Entry} */
  #shown = { url: "", state: null, key: undefined };
  /** The id of the organization that was active when address and tab last agreed. @type {string | undefined} */
  #active;

  /** The organization that the page was asked about, while the address changes to it. @type {Organization | null} */
  #asked = null;
  /** The organization that the person agreed to go to, although the router has kept the address so far. @type {Organization | null} */
  #agreedTo = null;
  /** Where the router's blocker asks about going: an organization as an address names it, or true for anywhere. @type {string | boolean} */
  #blocked = false;

  /** @type {RouteState} */
  state = settled;
  /** Whether the person has agreed to leave the organization, while the address changes. */
  agreed = false;
  home;

  /**
   * @param {Client} client
   * @param {RouteOptions} options
   */
  constructor(client, { pattern = "/:organization/*", except = [], navigate, home }) {
    this.#client = client;
    this.#tab = { ask: noQuestion, enter: client.switchOrganization, switch: client.switchOrganization };
    this.#pattern = new Pattern(pattern, except);
    this.#navigate = navigate ?? ((url, { replace }) => change(url, replace));
    this.home = home ?? ((/** @type {Organization} */ { slug }) => this.#pattern.home(slug));
  }

  begin() {
    this.#synchronize();
    watch(() => this.addressChanged(), this.#closing.signal);
    // What is typed after an answer is asked about again.
    window.addEventListener("input", () => this.#forgetAnswers(), { capture: true, signal: this.#closing.signal });
    const stop = this.#client.subscribe((state) => this.#onState(state));
    this.#closing.signal.addEventListener("abort", stop);
    this.#interceptSwitches(/** @type {any} */ (this.#client)[routesHook]);
    // What the client was told of the address at its start, it has dealt with; a client that was told nothing has not.
    this.#client.ready.then(() => !this.#busy && (isActive(this.#client.state) ? this.#compare() : this.#onState(this.#client.state)), () => {});
  }

  /**
   * From now on the address changes before the tab does.
   * @param {((by?: import("./hook.js").Switch) => import("./hook.js").Steps) | undefined} by a client's; what only looks like one has none
   */
  #interceptSwitches(by) {
    if (!by) return;
    this.#tab = Object.assign({ ask: noQuestion }, by((organization, agreed) => this.switch(organization, agreed)));
    this.#closing.signal.addEventListener("abort", () => by());
  }

  /** The address may have changed. */
  addressChanged() {
    if (!isPending() && location.href !== this.#seen && !this.#closing.signal.aborted) this.#compare();
  }

  /** The organization that the page's address names. */
  get #named() {
    return this.#pattern.read(new URL(location.href));
  }

  #compare() {
    this.#seen = location.href;
    const { organization } = this.#client.state;
    const named = this.#named;
    if (named && !matches(organization, named)) return this.#follow(named);
    if (this.#busy && organization) return this.#follow(organization.id); // overtakes what is under way
    const back = location.href === this.#shown.url && this.state.status === "stayed";
    this.#synchronize();
    if (!back) this.#publish(settled);
  }

  /** Records that the address names the tab's organization. */
  #synchronize() {
    this.#shown = currentEntry();
    this.#seen = this.#shown.url;
    this.#active = this.#client.state.organization?.id;
  }

  /** @param {string} named */
  #follow(named) {
    const turn = this.#begin(true);
    this.#followed = this.#enter(turn, named);
  }

  /**
   * Lets the tab follow an address that is there already; undefined where a later change of
   * route counts instead.
   * @param {number} turn
   * @param {string} named
   */
  async #enter(turn, named) {
    const url = location.href;
    const answered = matches(this.#asked, named) || matches(this.#agreedTo, named) || this.#blocked === true || this.#blocked === named;
    const question = answered ? undefined : this.#tab.ask(named);
    this.#asked = null;
    this.#forgetAnswers();
    const agreed = question && (await question);
    if (!this.#current(turn)) return undefined;
    if (agreed === false) return this.#keep(named, url, declined);
    this.#publish({ status: "switching", organization: named, url });
    const refusal = await refusalOf(this.#client, named);
    if (!this.#current(turn)) return undefined;
    const result = refusal ?? (await this.#tab.switch(named));
    if (!this.#current(turn)) return undefined;
    return result.status === "switched" ? this.#settle(result) : this.#keep(named, url, result);
  }

  /**
   * Goes back to the address of the organization in which the tab stays.
   * @param {string} named
   * @param {string} url
   * @param {RouteProblem} result
   */
  #keep(named, url, result) {
    const problem = this.#stay(named, url, result);
    if (!this.#followTab() && location.href === url && isStill(this.#client.state, this.#active)) restore(this.#shown);
    return problem;
  }

  /**
   * @param {URL} url
   * @param {boolean} replace
   * @returns {Promise<SwitchResult | {status: "unchanged"}>}
   */
  async go(url, replace) {
    const { href } = url;
    const named = this.#pattern.read(url);
    if (!named || (matches(this.#client.state.organization, named) && isActive(this.#client.state))) {
      await this.#requestAddress(href, replace);
      return { status: "unchanged" };
    }
    const turn = this.#begin(true);
    const question = this.#tab.ask(named);
    const agreed = question && (await question);
    if (!this.#current(turn)) return overtaken;
    if (agreed === false) return this.#stay(named, href, declined);
    const entered = await this.#tab.enter(named);
    if (!this.#current(turn)) return overtaken;
    if (entered.status === "switched") return this.#move(turn, entered.organization, href, replace, agreed);
    const problem = this.#stay(named, href, entered);
    this.#followTab();
    return problem;
  }

  /**
   * Switches the tab, as its client is asked to. An address that names an organization goes
   * along.
   * @param {string} organization
   * @param {boolean} [agreed] the page's answer to the question whether the tab may go
   * @returns {Promise<SwitchResult>}
   */
  async switch(organization, agreed) {
    const turn = this.#begin(false);
    const entered = await this.#tab.enter(organization);
    if (!this.#current(turn)) return overtaken;
    if (entered.status !== "switched") return withReturnTo(entered, this.#pageOf(organization));
    const named = this.#named;
    const stays = !named || matches(entered.organization, named);
    return this.#move(turn, entered.organization, stays ? location.href : this.#homeOf(entered.organization), this.#active === undefined, agreed);
  }

  /**
   * Changes the address to one of an organization that was entered. The tab follows it; where
   * the router keeps the address, the tab stays too.
   * @param {number} turn
   * @param {Organization} organization
   * @param {string} url
   * @param {boolean} replace
   * @param {boolean} [agreed]
   * @returns {Promise<SwitchResult>}
   */
  async #move(turn, organization, url, replace, agreed = false) {
    this.#busy = false;
    this.#asked = organization;
    this.agreed = agreed;
    if (url !== location.href) await this.#requestAddress(url, replace);
    this.agreed = false;
    if (turn !== this.#turn) return (await this.#followed) ?? overtaken;
    const named = this.#named;
    if (named && !matches(organization, named)) {
      if (agreed) this.#agreeTo(organization);
      return this.#stay(organization.slug, url, blocked);
    }
    this.#busy = true;
    this.#asked = null;
    const result = await this.#tab.switch(organization.id);
    if (!this.#current(turn)) return overtaken;
    return result.status === "switched" ? this.#settle(result) : this.#stay(organization.slug, url, result);
  }

  /**
   * The person agreed, and the router's blocker asks the same again. They are not asked for a
   * third time.
   * @param {Organization} organization
   */
  #agreeTo(organization) {
    this.#agreedTo = organization;
    console.debug(`tabard: the router's blocker asks about ${organization.slug}, to which the person has agreed by beforeSwitch: use routes.blocker(…) to ask once`);
  }

  #forgetAnswers() {
    this.#agreedTo = null;
    this.#blocked = false;
  }

  /**
   * A router's blocker that asks nothing to which the person has agreed already. What it asks
   * about, the page need not ask again.
   * @template {any[]} Args
   * @param {(...args: Args) => boolean} blocks
   */
  blocker(blocks) {
    return (/** @type {Args} */ ...args) => {
      const { nextLocation, path } = own(args[0]);
      const next = nextLocation?.pathname ?? path;
      this.#blocked = !this.agreed && blocks(...args) && (typeof next !== "string" || (this.#pattern.read(new URL(next, location.href)) ?? true));
      return this.#blocked !== false;
    };
  }

  /**
   * @param {string} url
   * @param {boolean} replace
   */
  async #requestAddress(url, replace) {
    await request(this.#navigate, url, replace);
    this.addressChanged();
  }

  /** @param {boolean} busy whether a return to where the tab is overtakes it */
  #begin(busy) {
    this.#busy = busy;
    this.#followed = none;
    return ++this.#turn;
  }

  /** @param {number} turn */
  #current(turn) {
    return turn === this.#turn && !this.#closing.signal.aborted;
  }

  /**
   * @template {SwitchResult} Result
   * @param {Result} result
   */
  #settle(result) {
    this.#busy = false;
    this.#synchronize();
    this.#publish(settled);
    return result;
  }

  /**
   * @param {string} organization
   * @param {string} url
   * @param {RouteProblem} result
   */
  #stay(organization, url, result) {
    this.#busy = false;
    this.#asked = null;
    const problem = withReturnTo(result, url);
    this.#publish({ status: "stayed", organization, url, result: problem });
    return problem;
  }

  /** @param {State} state */
  #onState(state) {
    if (!this.#busy && state.status === "denied" && state.named === this.#named) this.#publish({ status: "denied", organization: state.named, url: location.href, result: denialOf(state) });
    if (!this.#busy && isActive(state) && state.organization?.id !== this.#active) this.#followTab();
  }

  /** Follows a tab whose organization is no longer the address's. Returns whether it is not. */
  #followTab() {
    const { state } = this.#client;
    const { organization } = state;
    if (!organization || !isActive(state) || organization.id === this.#active) return false;
    const named = this.#named;
    if (!named || matches(organization, named)) {
      this.#synchronize();
      this.#publish(settled);
    } else {
      void this.#moveAddress(organization, this.#homeOf(organization), this.#active === undefined);
    }
    return true;
  }

  /**
   * Changes the address to the tab's organization after another person has signed in. The page
   * must not stay, so that a router that keeps the page loses it.
   * @param {Organization} organization
   * @param {string} url
   * @param {boolean} replace
   */
  async #moveAddress(organization, url, replace) {
    const turn = this.#begin(false);
    this.#active = organization.id;
    this.#publish({ status: "switching", organization: organization.slug, url });
    await this.#requestAddress(url, replace);
    const named = this.#named;
    if (this.#current(turn) && named && !matches(organization, named)) location.assign(url);
  }

  /**
   * Where a step-up for an organization leads: the page would not be in it at an address that
   * names another.
   * @param {string} name
   */
  #pageOf(name) {
    const named = this.#named;
    const organization = this.#client.state.organizations?.find((o) => matches(o, name)) ?? { id: name, slug: name, name };
    return !named || matches(organization, named) ? location.href : this.#homeOf(organization);
  }

  /** @param {Organization} organization */
  #homeOf(organization) {
    return new URL(this.home(organization), location.href).href;
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

/** @type {Promise<undefined>} */
const none = Promise.resolve(undefined);

/** What a client asks that has no question. @type {import("../gate.js").Ask} */
const noQuestion = () => undefined;

// @ts-check
// The module decides the tab's organization; the routes keep the page's address and the
// tab together. The address goes first, for its router may keep it; the tab follows.

import { declined } from "../declined.js";
import { currentEntry, isOpen, isPending, leadBack, pause, request, restore, revisit, watch } from "./address.js";
import { Agreement } from "./agreement.js";
import { intercept } from "./ahead.js";
import { explainDenied, explainHash, explainManual, explainNavigate } from "./mistakes.js";
import { Pattern } from "./pattern.js";
import { Places } from "./places.js";
import { Published, settled } from "./published.js";
import { blocked, denialOf, isActive, isUntold, known, matches, none, overtaken, refusalOf, withReturnTo } from "./result.js";
import { Router } from "./router.js";
import { Standing } from "./standing.js";
import { stepsOf, takeOver } from "./steps.js";
import { Turns } from "./turns.js";

/** @import { Client, Organization, State, SwitchResult } from "../../index.js" */
/** @import { RouteOptions, RouteProblem } from "../../routes.js" */

export class Follower {
  #client;
  #pattern;
  #router;
  #manual;
  #closing = new AbortController();
  /** The halves of a switch. @type {import("./hook.js").Steps} */
  #tab;
  #turns = new Turns(this.#closing.signal);
  /** Where a router was that lost its way. */
  #strayed = "";
  #at;

  published = new Published();
  agreement;
  places;

  /**
   * @param {Client} client
   * @param {RouteOptions} options
   */
  constructor(client, { pattern = "/:organization/*", except = [], navigate, home, manual = false }) {
    this.#client = client;
    this.#at = new Standing(client);
    this.#tab = stepsOf(client);
    this.#pattern = new Pattern(pattern, except);
    this.#manual = manual;
    this.agreement = new Agreement(this.#pattern);
    this.#router = new Router(navigate);
    this.places = new Places(client, this.#pattern, home);
  }

  begin() {
    this.#synchronize();
    const { signal } = this.#closing;
    if (this.#manual) explainManual(() => this.published.state.status === "settled", this.#client, this.#pattern, signal);
    else watch({ changed: () => this.addressChanged(), returned: () => this.#returned(), isNew: () => location.href !== this.#at.seen }, signal);
    intercept((...address) => this.#hold(...address), this.#router, signal);
    this.agreement.watch(signal);
    const client = this.#client;
    signal.addEventListener("abort", client.subscribe((state) => this.#onState(state)));
    this.#tab = takeOver(client, this.#asClients(), signal);
    // The address that the client was told at its start, it has dealt with; a client that was told none has not.
    client.ready.then(() => (explainDenied(client.state, this.#pattern), !this.#turns.busy) && (isActive(client.state) || isUntold(client.state, this.places.named) ? this.#compare() : this.#onState(client.state)), () => {});
  }

  /** The switch that takes the place of the client's own. */
  #asClients() {
    const agrees = (/** @type {string} */ name) => this.agreement.agreesTo(this.places.find(name));
    return Object.assign(this.switch.bind(this), { agrees, address: this.places.addressOf.bind(this.places) });
  }

  /** The address may have changed. */
  addressChanged() {
    if (!isPending() && location.href !== this.#at.seen && !this.#closing.signal.aborted) this.#compare();
  }

  /**
   * A router that refused an address has gone back. Where Back came a second time meanwhile, it is
   * at neither address: it is led back, and goes again, so that it asks about where the person
   * would be.
   */
  async #returned() {
    const { url, key } = currentEntry();
    const once = url !== this.#strayed;
    this.#strayed = once && url !== this.#at.seen ? url : "";
    if (url === this.#at.seen || !this.#at.isStill) return;
    const turn = this.#turns.begin(false);
    await this.agreement.during(() => leadBack(this.#at.shown));
    if (once && this.#turns.isCurrent(turn)) await revisit(key, () => this.#router.navigate(url, false));
  }

  #compare() {
    this.#at.seen = location.href;
    explainHash(this.#client.state, this.#pattern);
    const { organization } = this.#client.state;
    const { named } = this.places;
    if (named && !matches(organization, named)) return this.#follow(named);
    if (this.#turns.busy && organization) return this.#follow(organization.id); // overtakes the current one
    const back = location.href === this.#at.shown.url && this.published.state.status === "stayed";
    this.#synchronize();
    if (!back) this.published.set(settled);
  }

  /** Records that the address names the tab's organization. */
  #synchronize() {
    this.#at.mark();
    this.agreement.settled();
  }

  /** @param {string} named */
  #follow(named) {
    const turn = this.#turns.begin(true);
    this.#turns.followed = this.#enter(turn, named);
  }

  /**
   * Lets the tab follow an address that is there already; undefined where a later change of
   * route counts instead.
   * @param {number} turn
   * @param {string} named
   * @returns {Promise<SwitchResult | undefined>}
   */
  async #enter(turn, named) {
    const url = location.href;
    if (this.agreement.passes(named, currentEntry(), this.#at.shown)) return this.#leadBack(named, none, () => this.#router.navigate(url, false));
    const question = this.agreement.covers(named) ? undefined : this.#tab.ask(named);
    this.agreement.end();
    this.agreement.forget();
    const open = question && (await isOpen(question));
    if (!this.#turns.isCurrent(turn)) return undefined;
    if (open) return this.#leadBack(named, question);
    if (question && (await question) === false) return this.#keep(named, url, declined);
    this.published.set({ status: "switching", organization: named, url });
    const refusal = await refusalOf(this.#client, named);
    if (!this.#turns.isCurrent(turn)) return undefined;
    const result = refusal ?? (await this.#tab.switch(named));
    if (!this.#turns.isCurrent(turn)) return undefined;
    return result.status === "switched" ? this.#settle(result) : this.#keep(named, url, result);
  }

  /**
   * Whether going to an address has to wait for the person's answer.
   * @param {URL} url
   * @param {() => unknown} navigate goes there
   * @param {() => Promise<void>} [back] leads the router back
   */
  #hold(url, navigate, back) {
    const named = this.#pattern.read(url);
    if (!named || matches(this.#client.state.organization, named) || this.agreement.covers(named)) return false;
    const question = this.#tab.ask(named);
    if (question) void this.#ask(named, url.href, question, navigate, back);
    else if (back && this.agreement.guards(url)) void this.#askRouter(named, url.href, navigate);
    else return false;
    return true;
  }

  /**
   * Has the page's router ask, where the address was about to change past it, or past what was
   * typed since it asked. It is led back first, for it may be ahead, as after a loader or a redirect: the page
   * that it left, and the guard in it, may be hidden. If that is not back soon enough, the router
   * asks nothing, and comes here again.
   * @param {string} named
   * @param {string} url
   * @param {() => unknown} navigate
   * @returns {Promise<SwitchResult | undefined>}
   */
  async #askRouter(named, url, navigate) {
    const turn = this.#turns.begin(false), patience = this.agreement.unheard(url);
    await this.agreement.during(() => this.#router.recall());
    if (patience) await pause(patience);
    if (!this.#turns.isCurrent(turn)) return undefined;
    if (patience) await this.#requestAddress(url, navigate);
    return this.#turns.isCurrent(turn) ? this.#stay(named, url, blocked) : undefined;
  }

  /**
   * The router was ahead of the question: it goes back, and comes again where the person agrees.
   * @param {string} named
   * @param {Promise<boolean | undefined>} question
   * @param {() => unknown} [again] how it comes again
   */
  #leadBack(named, question, again) {
    const { url, key } = currentEntry();
    again ??= () => revisit(key, () => this.#router.navigate(url, true));
    this.#at.seen = this.#at.shown.url; // the way back is no change of route
    return this.#ask(named, url, question, again, () => leadBack(this.#at.shown));
  }

  /**
   * Goes to an address where the person agrees.
   * @param {string} named
   * @param {string} url
   * @param {Promise<boolean | undefined>} question
   * @param {() => unknown} navigate
   * @param {() => Promise<void>} [back]
   * @returns {Promise<SwitchResult | undefined>}
   */
  async #ask(named, url, question, navigate, back) {
    const turn = this.#turns.begin(false);
    if (back) await this.agreement.during(back);
    const agreed = await question;
    if (!this.#turns.isCurrent(turn)) return undefined;
    if (agreed === false) return this.#stay(named, url, declined);
    if (back && agreed === undefined && this.agreement.guards(new URL(url))) return this.#askRouter(named, url, navigate);
    return this.#change(turn, known(named), url, agreed === true, navigate);
  }

  /**
   * Goes back to the address of the organization in which the tab stays.
   * @param {string} named
   * @param {string} url
   * @param {RouteProblem} result
   */
  #keep(named, url, result) {
    const problem = this.#stay(named, url, result);
    if (!this.#followTab() && location.href === url && this.#at.isStill) void this.agreement.during(() => restore(this.#at.shown));
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
      await this.#requestAddress(href, () => this.#router.navigate(href, replace));
      return { status: "unchanged" };
    }
    const turn = this.#turns.begin(false);
    const pressed = this.agreement.agreesTo(this.places.find(named)); // by a link, of which this is the page's handler
    const question = pressed ? undefined : this.#tab.ask(named);
    const agreed = question ? await question : pressed;
    if (!this.#turns.isCurrent(turn)) return overtaken;
    if (agreed === false && question) return this.#stay(named, href, declined);
    this.#turns.busy = true;
    const entered = await this.#tab.enter(named);
    if (!this.#turns.isCurrent(turn)) return overtaken;
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
    const turn = this.#turns.begin(false);
    const entered = await this.#tab.enter(organization);
    if (!this.#turns.isCurrent(turn)) return overtaken;
    if (entered.status !== "switched") return withReturnTo(entered, this.places.pageOf(organization));
    const { named } = this.places, stays = !named || matches(entered.organization, named);
    return this.#move(turn, entered.organization, stays ? location.href : this.places.homeOf(entered.organization), this.#at.active === undefined, agreed);
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
    const kept = await this.#change(turn, organization, url, agreed, () => this.#router.navigate(url, replace));
    if (kept) return kept;
    this.#turns.busy = true;
    this.agreement.end();
    const result = await this.#tab.switch(organization.id);
    if (!this.#turns.isCurrent(turn)) return overtaken;
    return result.status === "switched" ? this.#settle(result) : this.#stay(organization.slug, url, result);
  }

  /**
   * Changes the address to one of an organization that the page was asked about. Undefined where
   * it is there and the tab has not followed.
   * @param {number} turn
   * @param {Organization} organization
   * @param {string} url
   * @param {boolean} agreed
   * @param {() => unknown} navigate
   * @returns {Promise<SwitchResult | undefined>}
   */
  async #change(turn, organization, url, agreed, navigate) {
    this.#turns.busy = false;
    this.agreement.begin(organization, agreed);
    if (url !== location.href) await this.#requestAddress(url, navigate);
    this.agreement.settle();
    if (!this.#turns.isLast(turn)) return (await this.#turns.followed) ?? overtaken;
    const named = this.places.named;
    if (!named || matches(organization, named)) return undefined;
    if (agreed) this.agreement.keep(organization);
    return this.#stay(organization.slug, url, blocked);
  }

  /**
   * @param {string} url
   * @param {() => unknown} navigate
   */
  async #requestAddress(url, navigate) {
    await request(navigate, url);
    explainNavigate(url, this.#pattern);
    this.addressChanged();
  }

  /**
   * @template {SwitchResult} Result
   * @param {Result} result
   */
  #settle(result) {
    this.#turns.busy = false;
    this.#synchronize();
    this.published.set(settled);
    return result;
  }

  /**
   * @param {string} organization
   * @param {string} url
   * @param {RouteProblem} result
   */
  #stay(organization, url, result) {
    this.#turns.busy = false;
    this.agreement.end();
    const problem = withReturnTo(result, url);
    this.published.set({ status: "stayed", organization, url, result: problem });
    return problem;
  }

  /** @param {State} state */
  #onState(state) {
    if (this.#turns.busy) return;
    if (state.status === "denied" && state.named === this.places.named) this.published.set({ status: "denied", organization: state.named, url: location.href, result: denialOf(state) });
    if (isActive(state)) this.#followTab() || this.#followName();
    if (state.status !== "choose" || !this.#at.active) return;
    this.#at.active = undefined; // another person, who may enter what the address names
    this.#compare();
  }

  /** An organization whose slug was changed takes its address along. The page stays as it is, so that the router need not ask. */
  #followName() {
    const url = this.places.renamed(this.#at.slug);
    this.#at.slug = this.#client.state.organization?.slug;
    if (url) void this.agreement.during(() => this.#requestAddress(url, () => this.#router.navigate(url, true)));
  }

  /** Follows a tab whose organization is no longer the address's. Returns whether it is not. */
  #followTab() {
    const { state } = this.#client;
    const { organization } = state;
    if (!organization || !isActive(state) || organization.id === this.#at.active) return false;
    const named = this.places.named;
    if (!named || matches(organization, named)) {
      this.#synchronize();
      this.published.set(settled);
    } else {
      void this.#moveAddress(organization, this.places.homeOf(organization), this.#at.active === undefined);
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
    const turn = this.#turns.begin(false);
    this.#at.active = organization.id;
    this.published.set({ status: "switching", organization: organization.slug, url });
    await this.#requestAddress(url, () => this.#router.navigate(url, replace));
    const named = this.places.named;
    if (this.#turns.isCurrent(turn) && named && !matches(organization, named)) location.assign(url);
  }

  close() {
    this.#closing.abort();
    this.published.close();
  }
}

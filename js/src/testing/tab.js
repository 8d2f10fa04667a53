// @ts-check
// The tab of a fake client: a real one's is kept by the module.

import { continueOptions } from "../arguments.js";
import { enterDenied } from "../calls.js";
import { initialState, storeOf } from "../store.js";
import { problemOf } from "./codes.js";
import { comesBack, deniesEntry, errorOf, failed, organizationOf, statusOf } from "./outcomes.js";

/** @import { AccountResult, Ending, Problem, Status, SwitchResult } from "../../index.js" */
/** @import { Departure } from "../../testing.js" */
/** @import { Tenant, World } from "./world.js" */

/** Statuses with an organization whose data may be shown. @type {Status[]} */
const shown = ["active", "unavailable", "starting"];

export class Tab {
  #world;
  #state = JSON.parse(initialState);
  /** The organization to act for, as it was named. */
  #wanted;
  /** The tokens of this tab, by organization id. @type {Map<string, string>} */
  #tokens = new Map();
  #closed = false;
  /** The organization that was entered for a switch that follows. @type {Tenant | undefined} */
  #ready;
  /** Numbers the switches: the last one wins. */
  #switches = 0;
  store;
  /** @type {Departure[]} */
  departures = [];
  /** How the page switches the tab. @type {import("../routes/hook.js").Switch} */
  by = (name) => this.change(name, true);
  /** Settles the promise that waits for the last departure. @type {((code: string | undefined) => void) | undefined} */
  back;

  /**
   * @param {World} world
   * @param {string} named the organization that the page names
   */
  constructor(world, named) {
    this.#world = world;
    this.#wanted = named;
    this.store = storeOf(initialState, (name, options) => enterDenied(undefined, (name) => this.change(name, true), name, /** @type {any} */ (options)));
  }

  get status() {
    return /** @type {Status} */ (this.#state.status);
  }

  /** @param {object} changes */
  #show(changes) {
    if (this.#closed) return;
    Object.assign(this.#state, { error: null, idle: null }, changes);
    if (!("denied" in changes)) delete this.#state.denied;
    if (this.#state.status !== "choose_account") delete this.#state.accounts;
    if (this.#world.several && this.#world.chosen) this.#state.account = this.#world.user.id;
    if (this.#world.origins) this.#state.origins = this.#world.origins;
    this.store.changed(JSON.stringify(this.#state));
  }

  /** Finds where the tab stands, as a page that loads does. */
  settle() {
    const { chosen, accounts } = this.#world;
    if (!chosen && accounts.length > 1) return this.#deactivate({ status: "choose_account", organization: null, user: null, organizations: null, accounts });
    if (!chosen && accounts[0]) this.#world.become(accounts[0].id);
    if (!this.#world.signedIn) return this.signedOut(problemOf("login_required"));
    const found = this.#world.mint(this.#wanted, false);
    if (!("code" in found)) this.activate(found);
    else this.#refused(this.#wanted, found);
  }

  /** @param {Problem} [problem] */
  signedOut(problem) {
    this.#world.signedIn = false; // of several people, the tab's
    this.#tokens.clear();
    this.#deactivate({ status: "signed_out", error: problem ?? null, organization: null, user: null, organizations: null });
  }

  /**
   * @param {Tenant} tenant
   */
  activate(tenant) {
    const { id, slug, name, roles, permissions } = tenant;
    const { organization, user, status, fence } = this.#state;
    const same = organization?.id === id && user?.id === this.#world.user.id && shown.includes(status);
    if (!this.#tokens.has(id)) this.#tokens.set(id, this.#world.token(tenant));
    this.#wanted = id;
    this.#show({ status: "active", organization: { id, slug, name }, user: this.#world.user, roles, permissions, fence: same ? fence : fence + 1 });
  }

  /** @param {object} changes */
  #deactivate(changes) {
    const { organization, status, fence } = this.#state;
    this.#show({ roles: [], permissions: [], fence: organization && shown.includes(status) ? fence + 1 : fence, ...changes });
  }

  /**
   * The tab after a refusal. It changes little if the tab's organization is another one.
   * @param {string} name the organization that was asked for, by id or slug
   * @param {Problem} problem
   */
  #refused(name, problem) {
    const id = this.#world.find(name)?.id ?? name;
    const active = id === (this.#world.find(this.#wanted)?.id ?? this.#wanted);
    const undecided = (this.status === "starting" || this.status === "unavailable") && !this.#state.organization;
    if (problem.action === "sign_in") return this.signedOut(problem);
    if (problem.code === "identity_changed") return this.#deactivate({ status: "ended", error: problem });
    if (problem.code === "organization_required") return this.#choose();
    if (problem.action === "step_up" || problem.code === "organization_access_denied") {
      this.#tokens.delete(id);
      if (!active) return;
      if (deniesEntry(problem) && undecided) return this.#denied(name, problem);
      return this.#deactivate({ status: "ended", error: problem });
    }
    if (active && !this.#tokens.has(id)) this.#show({ status: "unavailable", error: problem });
  }

  #choose() {
    this.#deactivate({ status: "choose", organization: null, user: this.#world.user, organizations: this.#world.list() });
  }

  /**
   * @param {string} name
   * @param {Problem} error
   */
  #denied(name, error) {
    const found = this.#world.find(name);
    const organization = found ? { id: found.id, slug: found.slug, name: found.name } : null;
    this.#deactivate({ status: "ended", denied: name, error, organization, user: this.#world.user, organizations: this.#world.list() });
  }

  /**
   * Why the tab has no token of its own organization; undefined if it has one, or may get one.
   * @returns {Problem | undefined}
   */
  #refusal() {
    const codes = /** @type {const} */ ({ signed_out: "login_required", ended: "organization_session_expired", choose: "organization_required", choose_account: "account_required" });
    const code = codes[/** @type {keyof typeof codes} */ (this.#state.status)];
    return code && (this.#state.error ?? problemOf(code));
  }

  /**
   * A token, as the module gives it.
   * @param {string} name an id or slug; empty for the tab's own organization
   * @param {string} [rejected] is not handed out again
   * @param {string} [keep] "keep": it is good until there is another
   */
  async token(name, rejected = "", keep = "") {
    await this.started();
    const own = !name || this.#world.find(name)?.id === this.#wanted;
    const refusal = own || this.status === "signed_out" ? this.#refusal() : undefined;
    if (refusal) throw errorOf(refusal);
    const asked = own ? this.#wanted : name;
    const id = this.#world.find(asked)?.id ?? "";
    const held = this.#tokens.get(id);
    if (held && held !== rejected) return held;
    if (!keep) this.#tokens.delete(id);
    const found = this.#world.mint(asked, false);
    if ("code" in found) {
      this.#refused(asked, found);
      throw errorOf(found);
    }
    this.#tokens.set(id, this.#world.token(found));
    if (own) this.activate(found);
    return /** @type {string} */ (this.#tokens.get(id));
  }

  /**
   * A narrower token, which is kept apart from the tab's own.
   * @param {string} name an id or slug; empty for the tab's own organization
   * @param {{audience?: string, permissions?: string, seconds?: number}} body
   */
  async lent(name, body) {
    await this.token(name); // refuses as it does
    const tenant = this.#world.require(name || this.#wanted);
    const permissions = body.permissions?.split(" ") ?? tenant.permissions, life = 1000 * (body.seconds ?? 300);
    if (permissions.some((permission) => !tenant.permissions.includes(permission))) throw errorOf(problemOf("insufficient_permissions"));
    const token = this.#world.token(tenant, { lent: true, roles: undefined, permissions, aud: body.audience });
    return { token, bound: false, until: performance.now() + life, life };
  }

  async started() {
    await this.store.ready;
    if (this.#closed) throw errorOf({ code: "client_closed", action: "stop", description: "the client was closed" });
  }

  /** The people who are signed in in the browser. */
  async people() {
    await this.request(true);
    return this.#world.several ? this.#world.accounts : [];
  }

  /**
   * Asks for something that is about no organization.
   * @param {boolean} [forAnother] than the tab's person
   */
  async request(forAnother) {
    await this.started();
    const refusal = this.#world.refusal(forAnother);
    if (!refusal) return;
    if (refusal.action === "sign_in" || refusal.code === "identity_changed") this.#refused("", refusal);
    throw errorOf(refusal);
  }

  async list() {
    await this.request();
    const organizations = this.#world.list();
    this.#show({ ...this.#state, organizations });
    return organizations;
  }

  /**
   * A switch, or its first half, which leaves the tab as it is.
   * @param {string} name
   * @param {boolean} finish
   * @returns {Promise<SwitchResult>}
   */
  async change(name, finish) {
    if (!this.#stays(name)) return this.#depart(name);
    const number = ++this.#switches;
    const ready = this.#ready;
    this.#ready = undefined;
    await this.started();
    const known = this.#world.find(name);
    const held = known && (ready === known || (this.status === "active" && known.id === this.#wanted));
    const found = held ? known : this.#world.mint(name, true);
    await undefined; // a switch that begins meanwhile overtakes it
    const overtaken = number !== this.#switches || (!this.#world.signedIn && !("code" in found));
    if (overtaken) return failed("overtaken", { code: "overtaken", action: "retry", description: "another switch came later" });
    if ("code" in found) return this.#failure(name, found);
    if (finish) this.activate(found);
    else this.#ready = found;
    return { status: "switched", organization: organizationOf(found) };
  }

  /**
   * Whether a switch stays at the page's origin.
   * @param {string} name
   */
  #stays(name) {
    return !this.#world.origins || (this.status === "active" && this.#world.find(name)?.id === this.#wanted);
  }

  /**
   * Leaves for the origin of an organization, once the backend has agreed; without a name for the app's own page.
   * @param {string} name
   * @returns {Promise<SwitchResult>}
   */
  async #depart(name) {
    await this.started();
    const found = name ? this.#world.mint(name, true) : this.#world.refusal();
    if (found && "code" in found) return this.#failure(name, found);
    this.leave({ to: "origin", ...(name && { organization: name }), url: this.addressOf(name) });
    return failed("leaving", { code: "page_left", action: "stop", description: "the page leaves for the organization's own origin" });
  }

  /**
   * Where an organization's own pages are, in an app with an origin for each.
   * @param {string} name an id or slug; empty for the app's own page
   */
  addressOf(name) {
    const { home, pattern } = /** @type {import("../../index.js").Origins} */ (this.#world.origins);
    return name ? pattern.replace(":organization", this.#world.find(name)?.slug ?? name) + "/" : home + "/";
  }

  /**
   * A switch to another person who is signed in in the browser. If it fails, the tab stays as it is.
   * @param {string} id
   * @param {string} organization an id or slug; empty for the one that the page names, or the person's only one
   * @returns {Promise<AccountResult>}
   */
  async switchAccount(id, organization) {
    const number = ++this.#switches;
    await this.started();
    const world = this.#world;
    const here = world.chosen ? world.user.id : "";
    const named = organization || (this.status === "choose_account" ? this.#wanted : "");
    const known = world.accounts.some((one) => one.id === id);
    if (known) world.become(id);
    const found = known ? world.mint(named, organization !== "") : (world.refusal(true) ?? problemOf("login_required"));
    await undefined; // a switch that begins meanwhile overtakes it
    const overtaken = number !== this.#switches;
    const stays = "code" in found && found.code !== "organization_required" && !(named && !organization && (deniesEntry(found) || found.action === "step_up"));
    if (overtaken || stays) {
      world.become(here);
      return overtaken ? failed("overtaken", { code: "overtaken", action: "retry", description: "another switch came later" }) : failed(statusOf(/** @type {Problem} */ (found)), /** @type {Problem} */ (found));
    }
    this.#tokens.clear();
    if (here !== id) this.#deactivate({ status: "starting", organization: null, user: null, organizations: null });
    this.#wanted = named;
    if (!("code" in found)) this.activate(found);
    else this.#refused(named, found);
    return { status: "switched", ...(!("code" in found) && { organization: organizationOf(found) }) };
  }

  /**
   * Signs people out of the browser.
   * @param {string} [id] of one of them; everybody without
   */
  signOutAccount(id) {
    const world = this.#world;
    const own = !id || (world.chosen && id === world.user.id);
    world.signOut(id);
    if (own) this.signedOut();
    else if (this.status === "choose_account") this.settle();
  }

  /**
   * @param {string} name
   * @param {Problem} problem
   * @returns {SwitchResult}
   */
  #failure(name, problem) {
    this.#refused(name, problem);
    if (problem.action === "retry") return failed("unavailable", problem);
    if (problem.action !== "step_up") return failed(problem.code === "organization_mismatch" ? "failed" : "refused", problem);
    const { status, ...rest } = failed("refused", problem);
    return { ...rest, status: "step_up_required", continue: async (options) => this.leave({ to: "step_up", organization: name, ...comesBack(this, name, continueOptions(options).returnTo) }) };
  }

  /**
   * The page is left: the promise that waits for its return is settled by {@link back}.
   * @param {Departure} departure
   * @param {(code: string | undefined) => void} [back]
   */
  leave(departure, back) {
    this.departures.push(departure);
    this.back = back;
  }

  /**
   * The page is back.
   * @param {string} [code] of the failure
   */
  comeBack(code) {
    const last = this.departures.at(-1);
    if (!last) throw new TypeError("the page was not left: call comeBack after signIn() or continue()");
    const { back } = this;
    this.back = undefined;
    if (code) this.#show({ ...this.#state, error: problemOf(/** @type {any} */ (code)) });
    else this.#authenticated(last);
    back?.(code);
  }

  /** @param {Departure} departure */
  #authenticated({ to, organization, popup, account }) {
    if (to === "sign_in" && this.#world.several) {
      this.#world.signIn(account);
      this.#tokens.clear();
      this.#wanted = "";
    }
    this.#world.signedIn = true;
    const tenant = organization ? this.#world.find(organization) : undefined;
    if (to === "step_up" && tenant) {
      this.#world.stepUp(tenant);
      this.#tokens.delete(tenant.id);
    }
    if (popup) return void (tenant && this.activate(tenant));
    if (tenant) this.#world.ended.delete(tenant.id);
    if (organization) this.#wanted = organization;
    this.#state = { ...this.#state, status: "starting", organization: null };
    this.settle();
  }

  /**
   * The tab's organization session ends.
   * @param {Ending} reason
   */
  end(reason) {
    const { organization } = this.#state;
    if (!organization || this.status === "signed_out") throw new TypeError(`the tab acts for no organization: it is ${this.status}`);
    this.#world.ended.set(organization.id, reason);
    this.#tokens.delete(organization.id);
    this.#deactivate({ status: "ended", error: problemOf("organization_session_expired", { reason }) });
  }

  /** The token of the tab's organization has expired, and is renewed. */
  renew() {
    if (this.status !== "active" && this.status !== "unavailable") return;
    this.#tokens.delete(this.#state.organization?.id ?? this.#wanted);
    this.token("").catch(() => {});
  }

  /** The token of the tab's organization is due. */
  age() {
    this.#tokens.delete(this.#wanted);
  }

  /** @param {number} seconds */
  warn(seconds) {
    if (this.status !== "active") throw new TypeError(`a tab that is ${this.status} warns of nothing`);
    this.#show({ ...this.#state, idle: seconds > 0 ? { secondsLeft: seconds } : null });
  }

  close() {
    this.#closed = true;
    this.store.close();
  }
}

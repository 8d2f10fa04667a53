// @ts-check
// A fake client's backend: the person, where they may go, and how the next
// request is answered.

import { own } from "../own.js";
import { problemOf } from "./codes.js";

/** @import { Ending, OrganizationState, Problem, User } from "../../index.js" */
/** @import { FakeOptions } from "../../testing.js" */

/**
 * @typedef {{id: string, slug: string, name: string, roles: readonly string[], permissions: readonly string[], stepUp: boolean}} Tenant
 */

const ada = { id: "usr_ada", name: "Ada Lovelace", email: "ada@example.com", iss: "https://id.example.com", sub: "ada" };
const tenants = [{ slug: "acme", name: "Acme" }, { slug: "globex", name: "Globex" }];

/** The endings after which an organization is entered by a step-up alone. @type {(Ending | undefined)[]} */
const strict = ["idle", "expired", "revoked"];

/** A person with what they did. */
class Person {
  /** The organizations in which a session has ended, and why. @type {Map<string, Ending>} */
  ended = new Map();
  /** The organizations that were entered. @type {Set<string>} */
  entered = new Set();
  /** The organizations whose step-up was made. @type {Set<string>} */
  steppedUp = new Set();
  /** @type {User} */
  user;
  /** @type {Tenant[]} */
  tenants;
  signedIn;

  /** @param {import("../../testing.js").FakeAccount} options */
  constructor({ user, organizations = tenants, signedIn = true }) {
    this.user = { ...ada, ...user };
    this.signedIn = signedIn;
    this.tenants = organizations.map(({ slug, id = "org_" + slug, name = slug, roles = [], permissions = [], stepUp = false }) =>
      ({ id, slug, name, roles, permissions, stepUp }));
  }
}

/** Whom a tab acts for that has not chosen. */
const nobody = new Person({ organizations: [], signedIn: false });

export class World {
  /** Whether several people can be signed in in the browser. */
  several;
  /** @type {Person[]} */
  #people;
  /** The tab's person. */
  #person = nobody;
  /** Where the app's pages are, if it has an origin for each organization. */
  origins;
  online = true;
  minted = 0;
  /** How the next request is refused. @type {Problem | undefined} */
  #refusal;

  /** @param {FakeOptions} options */
  constructor({ user, organizations, accounts, account, origins }) {
    this.origins = origins;
    if (accounts && (user || organizations)) throw new TypeError("accounts have their own user and organizations: pass none beside them");
    this.several = accounts !== undefined;
    this.#people = (accounts ?? [{ user, organizations }]).map((one) => new Person(own(one)));
    if (!this.several) this.#person = /** @type {Person} */ (this.#people[0]);
    else if (account) this.become(account);
  }

  get user() {
    return this.#person.user;
  }

  get tenants() {
    return this.#person.tenants;
  }

  get ended() {
    return this.#person.ended;
  }

  get entered() {
    return this.#person.entered;
  }

  get signedIn() {
    return this.#person.signedIn;
  }

  set signedIn(is) {
    if (this.#person !== nobody) this.#person.signedIn = is;
  }

  /** Whether the tab acts for somebody. */
  get chosen() {
    return this.#person !== nobody;
  }

  /** The people who are signed in, as `accounts` lists them. */
  get accounts() {
    return this.#people.filter(({ signedIn }) => signedIn).map(({ user: { id, name } }) => ({ id, name }));
  }

  /** @param {string} id of the person whom the tab acts for from now on; empty for nobody */
  become(id) {
    const found = id ? this.#people.find(({ user }) => user.id === id) : nobody;
    if (!found) throw new TypeError(`the fake client has no account "${id}": it has ${this.#people.map(({ user }) => user.id).join(", ")}`);
    this.#person = found;
  }

  /** @param {string} [id] of the person who signs out; everybody without */
  signOut(id) {
    for (const one of this.#people) if (!id || one.user.id === id) one.signedIn = false;
  }

  /**
   * Signs a person in, as a sign-in for an account does.
   * @param {string | undefined} account `another`, an id, or nothing, which ends the sessions of all others
   */
  signIn(account) {
    const found = account === "another" ? this.#people.find(({ signedIn }) => !signedIn) : this.#people.find(({ user }) => user.id === (account ?? (this.chosen && this.user.id)));
    const person = found ?? (account ? undefined : this.#people[0]);
    if (!person) throw new TypeError(`nobody can sign in as the account "${account}": give accounts somebody with signedIn: false`);
    if (!account) this.signOut();
    person.signedIn = true;
    this.#person = person;
  }

  /** @param {string} name an id or slug */
  find(name) {
    return this.tenants.find(({ id, slug }) => name === id || name === slug);
  }

  /** @param {string} name an id or slug */
  require(name) {
    const tenant = this.find(name);
    if (!tenant) throw new TypeError(`the fake client has no organization "${name}": it has ${this.tenants.map(({ slug }) => slug).join(", ") || "none"}`);
    return tenant;
  }

  /** @param {Problem} problem refuses the next request */
  refuseNext(problem) {
    this.#refusal = problem;
  }

  /**
   * The refusal of a request that is about no organization.
   * @param {boolean} [forAnother] than the tab's person
   */
  refusal(forAnother) {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (!this.online) return problemOf("temporarily_unavailable");
    return refusal ?? (this.signedIn || forAnother ? undefined : problemOf(!this.chosen && this.accounts.length > 1 ? "account_required" : "login_required"));
  }

  /**
   * The tenant of a token that is asked for, or why there is none.
   * @param {string} name an id or slug; empty for the person's only organization
   * @param {boolean} enter whether a person chose it
   * @returns {Tenant | Problem}
   */
  mint(name, enter) {
    const refusal = this.refusal();
    if (refusal) return refusal;
    if (!name && this.tenants.length !== 1) return problemOf("organization_required");
    const tenant = name ? this.find(name) : this.tenants[0];
    if (!tenant) return problemOf("organization_access_denied");
    const reason = this.ended.get(tenant.id);
    if (reason && !enter) return problemOf("organization_session_expired", { reason });
    if (reason && strict.includes(reason)) return problemOf("insufficient_user_authentication", { reason });
    if (tenant.stepUp && !this.#person.steppedUp.has(tenant.id)) return problemOf("insufficient_user_authentication");
    this.ended.delete(tenant.id);
    this.entered.add(tenant.id);
    return tenant;
  }

  /**
   * The person authenticates as an organization asks.
   * @param {Tenant} tenant
   */
  stepUp({ id }) {
    this.#person.steppedUp.add(id);
    this.ended.delete(id);
  }

  /** @returns {OrganizationState[]} */
  list() {
    return this.tenants.map(({ id, slug, name, roles, stepUp }) => ({ id, slug, name, roles, state: this.#stateOf(id, stepUp) }));
  }

  /**
   * @param {string} id
   * @param {boolean} stepUp
   */
  #stateOf(id, stepUp) {
    const reason = this.ended.get(id);
    if (reason) return strict.includes(reason) ? "expired" : "available";
    if (stepUp && !this.#person.steppedUp.has(id)) return "step_up_required";
    return this.entered.has(id) ? "active" : "available";
  }

  /**
   * An access token that no verifier takes: its claims can be read, and it is not signed.
   * @param {Tenant} tenant
   * @param {object} [narrower] claims of a token that is narrower
   */
  token({ id, slug, roles, permissions }, narrower) {
    const bytes = (/** @type {string} */ text) => encodeURIComponent(text).replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))); // Jest's jsdom has no TextEncoder
    const part = (/** @type {object} */ value) => btoa(bytes(JSON.stringify(value)))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const iat = Math.floor(Date.now() / 1000);
    const claims = { sub: this.user.id, org_id: id, org_slug: slug, roles, permissions, iat, exp: iat + 300, jti: String(++this.minted), ...narrower };
    return `${part({ alg: "none", typ: "at+jwt" })}.${part(claims)}.fake`;
  }
}

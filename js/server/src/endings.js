// @ts-check

/**
 * @import { Claims } from "../index.js"
 * @import { Subject } from "../follow.js"
 * @import { Ending } from "./secevent.js"
 * @typedef {{subject: Subject, number: number, at: number, until: number}} Known what is
 *   remembered of a subject's newest event; no token of before it lives longer than until
 */

/** Milliseconds: longer than any access token of before an event lives, with a minute for clocks. */
const remember = 11 * 60_000;
/** For tokens of a release that did not number them, in seconds: they are compared by the clock. */
const clockSlack = 60;

/** @param {Subject} subject */
const nameOf = ({ session = "", user = "", organization = "", app = "" }) => `${session}\0${user}\0${organization}\0${app}`;

/**
 * The memory of a follower. It never forgets an event while a token lives that the event
 * refuses: if it is full, it remembers less precisely, which costs the tokens that are refused
 * too much a renewal.
 */
export class Endings {
  /** @type {Map<string, Known>} */
  #of = new Map();
  /** By time; a repeated subject has several. @type {{name: string, until: number}[]} */
  #due = [];
  #next = 0; // of those that are due

  /** @param {number} most the most subjects */
  constructor(most) {
    this.most = most;
  }

  get size() { return this.#of.size; }

  /**
   * Remembers an event.
   * @param {Ending} event
   * @param {number} now in milliseconds
   */
  add({ number, at, subject: given }, now) {
    this.#forget(now);
    const subject = known(given), name = nameOf(subject);
    if (!this.#of.has(name) && this.#of.size >= this.most) this.#coarsen();
    const ending = later({ subject, number, at, until: now + remember }, this.#of.get(name));
    this.#of.set(name, ending);
    this.#due.push({ name, until: ending.until });
    if (this.#due.length > 2 * this.most) this.#order();
  }

  /** @param {number} now */
  #forget(now) {
    for (; this.#next < this.#due.length && this.#due[this.#next].until <= now; this.#next++) {
      const { name } = this.#due[this.#next];
      if ((this.#of.get(name)?.until ?? Infinity) <= now) this.#of.delete(name);
    }
    if (this.#next > this.#due.length / 2) this.#due.splice(0, this.#next), (this.#next = 0);
  }

  /** Lists each subject once. */
  #order() {
    this.#due = [...this.#of].map(([name, { until }]) => ({ name, until })).sort((a, b) => a.until - b.until);
    this.#next = 0;
  }

  /**
   * Replaces what is about one organization by the organization, and if that does not free
   * half of the memory, everything by the workspace.
   */
  #coarsen() {
    const all = [...this.#of.values()];
    this.#of = new Map();
    for (const ending of all) {
      const { organization } = ending.subject, subject = organization ? { organization } : ending.subject, name = nameOf(subject);
      this.#of.set(name, later({ ...ending, subject }, this.#of.get(name)));
    }
    if (this.#of.size > this.most / 2) {
      const whole = all.reduce((one, other) => later(one, other));
      this.#of = new Map([[nameOf({}), { ...whole, subject: {} }]]);
    }
    this.#order();
  }

  /**
   * Reports whether an event refuses a token.
   * @param {Claims} claims
   */
  ended(claims) {
    const { sid: session, org_id: organization, client_id: app, sub: user } = claims;
    if (session && this.#of.has(nameOf({ session }))) return true; // for good, whatever the token says
    return [{}, { organization }, { app }, { user }, { user, organization }, { session, organization }].some((subject) => {
      const ending = this.#of.get(nameOf(subject));
      return ending && refuses(ending, claims);
    });
  }
}

/**
 * @param {Known} ending
 * @param {Claims} claims
 */
function refuses({ number, at }, { evt, iat }) {
  return typeof evt === "number" && evt > 0 ? evt < number : iat <= at + clockSlack; // without a number: of the release before
}

/**
 * An ending of the first one's subject that refuses what either refuses.
 * @param {Known} one
 * @param {Known} [other]
 * @returns {Known}
 */
function later(one, other = one) {
  return {
    subject: one.subject, number: Math.max(one.number, other.number),
    at: Math.max(one.at, other.at), until: Math.max(one.until, other.until),
  };
}

/**
 * A subject in one of the forms that ended looks up. A session is one person's. Any other form
 * is widened.
 * @param {Subject} given
 * @returns {Subject}
 */
function known({ session, user, organization, app }) {
  if (session) user = undefined;
  if (session || user || organization) app = undefined;
  return { ...(session && { session }), ...(user && { user }), ...(organization && { organization }), ...(app && { app }) };
}

// @ts-check

import { KeySet, atOnce, inTime, pause, timeout } from "./keyset.js";

/**
 * @import { FetchOptions } from "./keyset.js"
 * @import { PublicKey } from "./jws.js"
 * @typedef {{error: unknown, until: number}} Miss
 */

const maxSets = 10_000, maxMisses = 5000, maxWaiting = 1000;
const crowded = "too many organizations' keys are being fetched for the first time; try again";

/**
 * The key sets of organizations that are issuers of their own. Each is fetched when the first
 * token of its organization arrives. Until then such a token cannot be told from one of a
 * made-up organization: an organization is kept only once its issuer has answered with keys, a
 * few first fetches run at once, the most recently requested first, and a failed one is
 * remembered. Forged tokens cost their issuer one request each and block no other organization.
 */
export class KeySets {
  /** @type {Map<string, KeySet>} */
  #sets = new Map();
  /** The organizations without keys, in two halves of which the older is dropped. @type {Map<string, Miss>[]} */
  #misses = [new Map(), new Map()];
  #since = -Infinity;
  /** @type {Map<string, Promise<KeySet | undefined>>} */
  #discoveries = new Map();
  /** @type {{start: () => void, drop: (error: Error) => void}[]} */
  #waiting = []; // the most recently requested is last
  #out = 0; // number of discoveries under way
  /** @type {number[]} */
  #begun = [];

  /**
   * @param {string} issuer
   * @param {FetchOptions} options
   */
  constructor(issuer, options) {
    this.issuer = issuer;
    this.options = options;
  }

  /**
   * Returns a key of an organization, and undefined if it does not have it or is no issuer.
   * @param {string} organization
   * @param {string} kid
   * @returns {Promise<PublicKey | undefined>}
   */
  async publicKey(organization, kid) {
    return (await this.#find(organization))?.publicKey(kid);
  }

  /** Does what `hurry` of each set does. */
  hurry() {
    for (const set of this.#sets.values()) set.hurry();
  }

  /** @param {string} organization */
  async #find(organization) {
    const set = this.#sets.get(organization);
    if (set) return set;
    const fresh = new KeySet(`${this.issuer}/o/${organization}/.well-known/jwks.json`, { ...this.options, mayEnd: true });
    for (const half of this.#misses) {
      const miss = half.get(organization);
      if (!miss || fresh.clock() >= miss.until) continue;
      if (miss.error) throw miss.error;
      return undefined;
    }
    return fresh.shared ? this.#shared(organization, fresh) : this.#alone(organization, fresh);
  }

  /**
   * Joins the discovery of an organization, which begins at once or is queued. If the queue is
   * full, the oldest entry is dropped.
   * @param {string} organization
   * @param {KeySet} set
   */
  #shared(organization, set) {
    let discovery = this.#discoveries.get(organization);
    if (!discovery) {
      discovery = this.#turn().then((done) => this.#discover(organization, set).finally(done))
        .finally(() => this.#discoveries.delete(organization));
      this.#discoveries.set(organization, discovery);
    }
    return inTime(discovery, 2 * timeout, `the key set of ${organization} could not be fetched in time`);
  }

  /**
   * Waits for one of the places, and returns what gives it back.
   * @returns {Promise<() => void>}
   */
  async #turn() {
    if (this.#out < atOnce) this.#out++;
    else {
      await /** @type {Promise<void>} */ (new Promise((start, drop) => {
        this.#waiting.push({ start, drop });
        if (this.#waiting.length > maxWaiting) this.#waiting.shift()?.drop(new Error(crowded));
      }));
    }
    return () => {
      const next = this.#waiting.pop();
      if (next) next.start(); // in this place
      else this.#out--;
    };
  }

  /**
   * Discovers an organization for one request only.
   * @param {string} organization
   * @param {KeySet} set
   */
  async #alone(organization, set) {
    const now = set.clock();
    this.#begun = this.#begun.filter((at) => now - at < timeout);
    if (this.#begun.length >= atOnce) throw new Error(crowded);
    this.#begun.push(now);
    return this.#discover(organization, set).finally(() => (this.#begun = this.#begun.filter((at) => at !== now)));
  }

  /**
   * Fetches an organization's keys for the first time.
   * @param {string} organization
   * @param {KeySet} set
   */
  async #discover(organization, set) {
    await set.fetchKeys();
    let error;
    if (!set.empty) return this.#keep(organization, set);
    try {
      set.missing();
    } catch (cause) {
      error = cause;
    }
    const now = set.clock();
    if (this.#misses[0].size >= maxMisses || now - this.#since >= pause) {
      this.#misses = [new Map(), this.#misses[0]];
      this.#since = now;
    }
    this.#misses[0].set(organization, { error, until: now + set.pause });
    if (error) throw error;
    return undefined;
  }

  /**
   * Keeps a set that has keys. If there is no room, an empty one or the oldest is dropped.
   * @param {string} organization
   * @param {KeySet} set
   */
  #keep(organization, set) {
    if (this.#sets.size >= maxSets) {
      const empty = [...this.#sets].find(([, other]) => other.empty)?.[0];
      this.#sets.delete(empty ?? [...this.#sets.keys()][0]);
    }
    this.#sets.set(organization, set);
    return set;
  }
}

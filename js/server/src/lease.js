// @ts-check

import { TokenError } from "./error.js";
import { onWorkers } from "./keyset.js";

/**
 * @import { Claims } from "../index.js"
 * @import { Follower } from "../follow.js"
 * @import { Guard } from "./guard.js"
 */

/** Milliseconds. How often what is held is compared with the guard, apart from what a follower hears. */
const checkEvery = 500;
/** Milliseconds. The longest time that timers can wait. */
const longest = 2 ** 31 - 1;

/** An admission that lasts: until its token's end, or that of what it stands for. */
export class Lease {
  #guard;
  #controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #expiry;
  #checks;
  #unsubscribe;
  /** @type {(() => void)[]} What ends listening to that. */
  #listening = [];
  #keys = false; // whether a signing key was withdrawn since the last check

  /**
   * @param {Guard} guard
   * @param {Follower | undefined} follower
   * @param {string} raw
   * @param {Claims} claims
   */
  constructor(guard, follower, raw, claims) {
    this.#guard = guard;
    this.raw = raw;
    this.claims = claims;
    this.signal = this.#controller.signal;
    this.#checks = setInterval(() => this.check(), checkEvery);
    // On Workers another request may have heard the event, which can end no connection of this one.
    this.#unsubscribe = follower?.subscribe(({ key }) => {
      this.#keys ||= !!key;
      if (!onWorkers) this.check();
    });
    this.renew(raw, claims);
    this.check(); // an event may have come since the admission
  }

  /**
   * Goes on with another token. The verifier's leeway is not added: a connection has time to
   * renew, where a request has not.
   * @param {string} raw
   * @param {Claims} claims
   */
  renew(raw, claims) {
    clearTimeout(this.#expiry);
    [this.raw, this.claims] = [raw, claims];
    this.#endAfter(this.#guard.lifeOf(claims));
  }

  /** @param {number} left in milliseconds */
  #endAfter(left) {
    const { cnf, org_id: organization } = this.claims;
    const over = () => (left > longest ? this.#endAfter(left - longest) : this.end(new TokenError("expired", { bound: !!cnf, organization })));
    this.#expiry = setTimeout(over, Math.min(left, longest));
  }

  /** Ends the lease if the guard refuses what it stands for. After a key was withdrawn the token is verified anew. */
  async check() {
    const [raw, claims, keys] = [this.raw, this.claims, this.#keys];
    this.#keys = false;
    try {
      const { error } = keys ? await this.#guard.inspect(raw) : {};
      if (error) throw error;
      await this.#guard.standing(claims);
    } catch (error) {
      this.end(error);
    }
  }

  /** @param {unknown} reason */
  end(reason) {
    this.release();
    this.#controller.abort(reason);
  }

  /**
   * Ends the lease when a signal aborts: what it is for is over.
   * @param {AbortSignal | undefined} over
   */
  endWith(over) {
    if (!over) return;
    const end = () => this.end(over.reason);
    if (over.aborted) return end();
    over.addEventListener("abort", end);
    this.#listening.push(() => over.removeEventListener("abort", end));
  }

  /** Ends the lease without an abort. */
  release() {
    clearTimeout(this.#expiry);
    clearInterval(this.#checks);
    this.#unsubscribe?.();
    for (const end of this.#listening.splice(0)) end();
  }
}

// @ts-check

import { Endings } from "./src/endings.js";
import { inTime, fetcher, limited, onWorkers } from "./src/keyset.js";
import { readEvent } from "./src/secevent.js";

/**
 * @import { Claims } from "./index.js"
 * @import { FollowOptions, FollowedEvent } from "./follow.js"
 * @import { Ending } from "./src/secevent.js"
 * @typedef {{sets: {[id: string]: string}, moreAvailable: boolean, after: number, reset?: boolean}} Answer
 */

/** Milliseconds. How long nothing is heard before a follower counts as cut off. */
const cutOffAfter = 30_000;
/** A poll's time limit, longer than it waits at the backend, and the least time between two that find nothing. */
const pollTimeout = 20_000, pollPause = 250;
/** The pause after a poll that failed, twice as long each time up to the last. */
const firstRetry = 50, lastRetry = 2000;
/** Without a background: how long what was heard counts as new, how long after a failure none asks, and a poll's time limit. */
const freshFor = 500, retryAfter = 1000;
const requestTimeout = 5000;
const eventsAtOnce = 500, maxAnswer = 8 << 20, maxEndings = 100_000;

/** @param {FollowOptions} options */
export const follow = (options) => new Follower(/** @type {any} */ ({ __proto__: null, ...options }));

/** Follows the workspace's feed of endings. See follow.d.ts. */
class Follower {
  #verifier;
  #options;
  #send;
  #endings = new Endings(maxEndings);
  #began;
  #heard = -Infinity; // when the last answer came, after the first reading
  /** @type {boolean | undefined} */
  #told; // what onState was called with last
  /** @type {number | null} */
  #after = null;
  #read = false; // whether the last minutes are read
  #address = 0;
  #failedAt = -Infinity;
  /** @type {((event: FollowedEvent) => void)[]} */
  #listeners = [];
  #stopped = new AbortController();

  /** @param {FollowOptions & {clock?: () => number}} options */
  constructor(options) {
    const { verifier, key, addresses, onEvent, background = !onWorkers, clock = () => performance.now() } = options;
    if (!verifier || typeof key !== "string" || !key) throw new TypeError("follow needs a verifier, and an API key of the kind events");
    this.#verifier = /** @type {import("./src/verifier.js").Verifier} */ (verifier);
    this.#options = { ...options, addresses: addresses?.length ? addresses : [this.#verifier.issuer], background, clock };
    this.#send = fetcher(options.fetch);
    this.#began = clock();
    if (onEvent) this.#listeners.push(onEvent);
    options.signal?.addEventListener("abort", () => this.close());
    if (options.signal?.aborted) this.close();
    else if (background) this.#run();
  }

  /** Reports whether an event refuses a token. */
  ended = (/** @type {Claims} */ claims) => this.#endings.ended(claims);

  /** Rejects while it cannot be told which tokens are refused. */
  ready = async () => {
    const { clock } = this.#options;
    const due = clock() - this.#heard > freshFor && clock() - this.#failedAt > retryAfter;
    if (!this.#options.background && due) await this.#catchUp();
    const silent = this.silent(), cutOff = silent > cutOffAfter;
    if (cutOff ? this.#options.refuseCutOff : this.#heard === -Infinity) {
      throw new Error(`the feed of endings was not heard for ${Math.round(silent / 1000)} s`);
    }
  };

  /** How long the feed has not been heard, in milliseconds. */
  silent = () => this.#options.clock() - Math.max(this.#heard, this.#began);

  /** @param {(event: FollowedEvent) => void} listener */
  subscribe = (listener) => {
    this.#listeners.push(listener);
    return () => void (this.#listeners = this.#listeners.filter((other) => other !== listener));
  };

  close = () => this.#stopped.abort();

  async #run() {
    const stopped = this.#stopped.signal;
    for (let retry = firstRetry; !stopped.aborted; ) {
      const asked = this.#options.clock();
      try {
        const { found, more } = await this.#step(this.#read);
        retry = firstRetry;
        if (!found && !more) await pause(pollPause - (this.#options.clock() - asked), stopped);
      } catch (error) {
        if (stopped.aborted) return;
        this.#failed(error);
        await pause(retry * (0.5 + Math.random()), stopped);
        retry = Math.min(2 * retry, lastRetry);
      }
    }
  }

  /** Reads what there is, for a request. Each request reads for itself: none may wait for another's. */
  async #catchUp() {
    for (let left = this.#options.addresses.length; left > 0; ) {
      try {
        const { more } = await this.#step(false);
        if (!more) return;
      } catch (error) {
        this.#failed(error);
        left--;
      }
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    this.#failedAt = this.#options.clock();
    this.#tell(false, error);
    this.#address = (this.#address + 1) % this.#options.addresses.length;
  }

  /**
   * Polls once, and reports whether the cursor moved and whether there is more.
   * @param {boolean} waits
   */
  async #step(waits) {
    const after = this.#after, answer = await this.#poll(after, waits);
    const found = after === null || after !== answer.after;
    if (this.#after === after) this.#after = answer.after; // else a request that began later was faster
    const more = answer.moreAvailable || !!answer.reset;
    if ((this.#read ||= !more)) {
      this.#heard = this.#options.clock();
      this.#tell(true);
    }
    return { found, more };
  }

  /**
   * @param {boolean} following
   * @param {unknown} [error]
   */
  #tell(following, error) {
    if (this.#told === following) return;
    this.#told = following;
    this.#options.onState?.(following, error);
  }

  /**
   * Asks for the events after a number and remembers them.
   * @param {number | null} after
   * @param {boolean} waits
   */
  async #poll(after, waits) {
    const answer = await this.#ask(this.#options.addresses[this.#address], after, waits);
    if (after !== null && !follows(answer, after)) throw new Error(`the feed goes from ${after} to ${answer.after}`);
    const verifier = this.#verifier, keys = new Map();
    const find = (/** @type {string} */ kid) => keys.get(kid) ?? keys.set(kid, verifier.namedKey(kid)).get(kid);
    const events = await Promise.all(Object.values(answer.sets).map((raw) => readEvent(raw, verifier.issuer, find)));
    for (const { number } of events) {
      if ((after !== null && !answer.reset && number <= after) || number > answer.after) throw new Error(`event ${number} is outside of the answer`);
    }
    for (const event of events.sort((a, b) => a.number - b.number)) this.#hear(event);
    return answer;
  }

  /** @param {Ending} event */
  #hear(event) {
    if (event.key) this.#verifier.withdraw(event.key);
    else this.#endings.add(event, this.#options.clock());
    for (const listener of this.#listeners) listener(event);
  }

  /**
   * @param {string} address
   * @param {number | null} after
   * @param {boolean} waits
   * @returns {Promise<Answer>}
   */
  async #ask(address, after, waits) {
    const url = `${address.replace(/\/$/, "")}/events/poll`, given = new AbortController();
    const end = () => given.abort();
    this.#stopped.signal.addEventListener("abort", end);
    const answer = (async () => {
      const response = await this.#send(url, {
        method: "POST", redirect: "manual", signal: given.signal,
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.#options.key}` },
        body: JSON.stringify({ after, maxEvents: eventsAtOnce, returnImmediately: !waits }),
      });
      const text = await limited(response, maxAnswer);
      if (response.status !== 200) throw new Error(`${url} answers ${response.status}: ${text.slice(0, 200)}`);
      return valid(JSON.parse(text), url);
    })();
    try {
      return await inTime(answer, this.#options.background ? pollTimeout : requestTimeout, `${url} does not answer in time`);
    } finally {
      given.abort();
      this.#stopped.signal.removeEventListener("abort", end);
    }
  }
}

/**
 * @param {any} answer
 * @param {string} url
 * @returns {Answer}
 */
function valid(answer, url) {
  const { sets, after, moreAvailable = false } = answer ?? {};
  if (!Number.isSafeInteger(after) || after < 0 || typeof sets !== "object" || !sets || typeof moreAvailable !== "boolean") {
    throw new Error(`${url} answers no events`);
  }
  return answer;
}

/**
 * Reports whether an answer goes on after a number: forward if there is more, and back only by a reset.
 * @param {Answer} answer
 * @param {number} before
 */
const follows = ({ after, moreAvailable, reset }, before) => (after === before ? !moreAvailable && !reset : after > before || !!reset);

/**
 * @param {number} ms
 * @param {AbortSignal} stopped
 */
const pause = (ms, stopped) => new Promise((resolve) => {
  const over = () => {
    clearTimeout(timer);
    stopped.removeEventListener("abort", over);
    resolve(undefined);
  };
  const timer = setTimeout(over, Math.max(0, ms));
  stopped.addEventListener("abort", over);
});

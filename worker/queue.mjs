/**
 * How often a waiting event looks, in milliseconds: the next one, each behind it so much
 * less often, and the last. An event looks for itself, by a timer of its own: what another
 * one resolved would go on in the other's context, where it may do no I/O.
 */
const POLL_INTERVAL = 4;
const MAX_POLL_INTERVAL = 100;

/**
 * An event that did not look for so long may have been ended by the platform: it no
 * longer blocks others, and has its turn again when it polls. In the end it is dropped.
 */
const STALE_AFTER = 1000;
const ABANDONED_AFTER = 60_000;

/** Thrown where an event is not to wait, or has waited long enough. */
export class Busy extends Error {}

/** Thrown if the client has left. */
export class ClientGone extends Error {}

/**
 * Events that wait for a place, first come first served. An event that may not take any
 * place there is, as others of its kind have theirs, lets those behind it pass.
 */
export class Queue {
  #waiting = []; // in the order of arrival
  #limit;
  #isAvailable;

  /**
   * @param {number} most how many may wait
   * @param {(event: object) => boolean} isAvailable whether there is a place for an event
   */
  constructor(most, isAvailable) {
    this.#limit = most;
    this.#isAvailable = isAvailable;
  }

  /** How many events wait. */
  get length() {
    return this.#polling().length;
  }

  /**
   * Waits until an event has its turn, and takes its place at that moment.
   * @template T
   * @param {{asks: boolean, signal?: AbortSignal}} event
   * @param {number} patience milliseconds
   * @param {() => T} claim
   * @returns {Promise<T>}
   */
  async wait(event, patience, claim) {
    const until = Date.now() + patience;
    const waiting = { event, polledAt: Date.now() };
    if (this.length >= this.#limit) throw new Busy("too many events wait");
    this.#waiting.push(waiting);
    try {
      while (this.#next() !== waiting) {
        await pause(Math.min(POLL_INTERVAL * (1 + this.#ahead(waiting)), MAX_POLL_INTERVAL));
        waiting.polledAt = Date.now();
        if (event.signal?.aborted) throw new ClientGone("the client left");
        if (waiting.polledAt >= until) throw new Busy("every instance is in use");
      }
      return claim();
    } finally {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    }
  }

  /** How many of its kind are before an event. */
  #ahead({ event }) {
    return this.#waiting.filter((other) => other.event.asks === event.asks).findIndex((other) => other.event === event);
  }

  /** The first for which there is a place. */
  #next() {
    return this.#polling().find(({ event }) => this.#isAvailable(event));
  }

  /** Those that have looked of late. */
  #polling() {
    const now = Date.now();
    this.#waiting = this.#waiting.filter(({ polledAt }) => now - polledAt < ABANDONED_AFTER);
    return this.#waiting.filter(({ polledAt }) => now - polledAt < STALE_AFTER);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

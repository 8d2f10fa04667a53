/**
 * How often a waiting event looks for itself, in milliseconds, beside when it is told to: the
 * platform may have ended those before it.
 */
const POLL_INTERVAL = 100;

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
  #free;

  /**
   * @param {number} most how many may wait, beside those that have their turn
   * @param {() => {places: number, asking: number}} free how many events may begin, and how
   *   many of those that ask a provider
   */
  constructor(most, free) {
    this.#limit = most;
    this.#free = free;
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
    if (this.length - this.#next().length >= this.#limit) throw new Busy("too many events wait");
    this.#waiting.push(waiting);
    // The platform takes an event for hung that has nothing to wait for but another's word.
    const poll = setInterval(() => waiting.look?.(), POLL_INTERVAL);
    try {
      while (!this.#next().includes(waiting)) {
        await new Promise((resolve) => (waiting.look = resolve));
        waiting.polledAt = Date.now();
        if (event.signal?.aborted) throw new ClientGone("the client left");
        if (waiting.polledAt >= until) throw new Busy("every place is taken");
      }
      return claim();
    } finally {
      clearInterval(poll);
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    }
  }

  /** Has the events look for which there is a place. */
  wake() {
    for (const { look } of this.#next()) look?.();
  }

  /** Those for which there is a place. */
  #next() {
    const free = this.#free();
    return this.#polling().filter(({ event }) => {
      if (free.places === 0 || (event.asks && free.asking <= 0)) return false;
      free.places--;
      if (event.asks) free.asking--;
      return true;
    });
  }

  /** Those that have looked of late. */
  #polling() {
    const now = Date.now();
    this.#waiting = this.#waiting.filter(({ polledAt }) => now - polledAt < ABANDONED_AFTER);
    return this.#waiting.filter(({ polledAt }) => now - polledAt < STALE_AFTER);
  }
}

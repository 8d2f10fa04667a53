/**
 * How often a waiting event looks, in milliseconds: the next one, each behind it so much
 * less often, and the last. An event looks for itself, by a timer of its own: what another
 * one resolved would go on in the other's context, where it may do no I/O.
 */
const LOOK = 4;
const LOOK_AT_LEAST = 100;

/**
 * An event that did not look for so long may have been ended by the platform: it keeps
 * nobody waiting, and has its turn again as soon as it looks. In the end it is forgotten.
 */
const PASSED_BY = 1000;
const FORGOTTEN = 60_000;

/** Thrown where an event is not to wait, or has waited long enough. */
export class Busy extends Error {}

/** Thrown where nobody waits for the answer any more. */
export class Left extends Error {}

/**
 * Events that wait for a place, first come first served. An event that may not take any
 * place there is, as others of its kind have theirs, lets those behind it pass.
 */
export class Queue {
  #waiting = []; // in the order of arrival
  #most;
  #free;

  /**
   * @param {number} most how many may wait
   * @param {(event: object) => boolean} free whether there is a place for an event
   */
  constructor(most, free) {
    this.#most = most;
    this.#free = free;
  }

  /** How many events wait. */
  get length() {
    return this.#seen().length;
  }

  /**
   * Waits until an event has its turn, and takes its place at that moment.
   * @template T
   * @param {{asks: boolean, signal?: AbortSignal}} event
   * @param {number} patience milliseconds
   * @param {() => T} take
   * @returns {Promise<T>}
   */
  async turn(event, patience, take) {
    const until = Date.now() + patience;
    const waiting = { event, looked: Date.now() };
    if (this.length >= this.#most) throw new Busy("too many events wait");
    this.#waiting.push(waiting);
    try {
      while (this.#next() !== waiting) {
        await pause(Math.min(LOOK * (1 + this.#ahead(waiting)), LOOK_AT_LEAST));
        waiting.looked = Date.now();
        if (event.signal?.aborted) throw new Left("the client left");
        if (waiting.looked >= until) throw new Busy("every instance is in use");
      }
      return take();
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
    return this.#seen().find(({ event }) => this.#free(event));
  }

  /** Those that have looked of late. */
  #seen() {
    const now = Date.now();
    this.#waiting = this.#waiting.filter(({ looked }) => now - looked < FORGOTTEN);
    return this.#waiting.filter(({ looked }) => now - looked < PASSED_BY);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** How often a waiting event looks by itself, in milliseconds. */
const LOOK = 200;

/**
 * An event that did not look for so long may have been ended by the platform: it keeps
 * nobody waiting, and has its turn again as soon as it looks. In the end it is forgotten.
 */
const PASSED_BY = 10 * LOOK;
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
   * @param {{signal?: AbortSignal}} event
   * @param {number} patience milliseconds
   * @param {() => T} take
   * @returns {Promise<T>}
   */
  async turn(event, patience, take) {
    const until = Date.now() + patience;
    const waiting = { event, looked: Date.now(), wake: undefined };
    if (this.length >= this.#most) throw new Busy("too many events wait");
    this.#waiting.push(waiting);
    try {
      while (this.#next() !== waiting) {
        await this.#woken(waiting, until);
        if (event.signal?.aborted) throw new Left("the client left");
        if (Date.now() >= until) throw new Busy("every instance is in use");
      }
      return take();
    } finally {
      this.#remove(waiting);
      this.wake(); // there may be a place for another besides
    }
  }

  /** Wakes the event whose turn it is, if it is anybody's. */
  wake() {
    this.#next()?.wake?.();
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

  /**
   * Waits to be woken by another event, which resumes this one in its own context. That
   * is a hint and may be lost with the event it came from, so it looks by itself too.
   */
  async #woken(waiting, until) {
    let timer;
    await new Promise((resolve) => {
      waiting.wake = resolve;
      timer = setTimeout(resolve, Math.max(0, Math.min(LOOK, until - Date.now())));
    });
    clearTimeout(timer);
    waiting.looked = Date.now();
  }

  #remove(waiting) {
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
  }
}

import { query } from "./d1.mjs";

/** How often an event looks after the program's timers and its own time, in milliseconds. */
const LOOK_EVERY = 1000;

/**
 * An event that an instance serves beside others. Go's scheduler runs the goroutines of one
 * event in whatever event happens to call it, and the platform refuses I/O that belongs to
 * another. So the program does no I/O: it posts what it asks to the event it asks for, which
 * does it in its own context and replies. What waits for a promise goes on in the context
 * that made the promise, whoever resolves it (handle_cross_request_promise_resolution).
 */
export class Event {
  asks;
  asking = 0; // requests of the program's own that are on their way
  lapses; // when the platform has ended it, if it has not ended itself
  #platform;
  #instance;
  #answer = Promise.withResolvers();
  #posted = [];
  #woken = Promise.withResolvers();
  #working = 0; // what it does at the moment
  #ended = false;
  #aborts = new Map(); // number of a request of the program's own → its AbortController
  #expires;
  #timer;

  /**
   * @param {object} instance the instance that serves it: see instance.mjs
   * @param {object} platform what the program has for the event
   * @param {Record<string, unknown>} platform.env
   * @param {boolean} platform.asks whether the program is expected to make requests of its own
   * @param {number} platform.life milliseconds for the answer, and again for what goes on after it
   * @param {(event: Event, ...request: unknown[]) => Promise<unknown[]>} platform.fetch
   */
  constructor(instance, platform) {
    this.#instance = instance;
    this.#platform = platform;
    this.asks = platform.asks;
    this.#expires = Date.now() + platform.life;
    this.lapses = Date.now() + 3 * platform.life;
  }

  /** What the program answers. It rejects if the program ends, or takes too long. */
  get answer() {
    return this.#answer.promise;
  }

  /** Takes what the program posts, in the context of any event. */
  post(what, args) {
    if (what === "answer") {
      this.#expires = Date.now() + this.#platform.life;
      this.#answer.resolve(args);
    } else if (what === "end") {
      this.#ended = true;
    } else {
      this.#posted.push([what, ...args]);
    }
    this.wake();
  }

  /** Gives the event up. */
  fail(problem) {
    this.#answer.reject(problem);
    this.#ended = true;
    this.wake();
  }

  /** Has the event look after what there is. */
  wake() {
    this.#woken.resolve();
  }

  /** Does what the program asks, until the event and all that it does have ended. */
  async serve() {
    // The platform takes an event for hung that has nothing to wait for but another's word.
    const look = setInterval(() => this.#look(), LOOK_EVERY);
    for (;;) {
      this.#doAll(this.#posted.splice(0));
      if (this.#ended && this.#working === 0) break;
      this.#awaitTimer();
      await this.#woken.promise;
      this.#woken = Promise.withResolvers();
    }
    clearInterval(look);
    clearTimeout(this.#timer);
  }

  /**
   * Looks after the program's timers, which belong to no event, and after the time of its own.
   * A timer that was set in an event which ended is seen to by the others.
   */
  #look() {
    if (Date.now() >= this.#expires) this.#giveUp();
    else this.#instance.runTimers(this);
    this.wake();
  }

  #awaitTimer() {
    clearTimeout(this.#timer);
    const wait = this.#instance.nextTimer - Date.now();
    if (wait < LOOK_EVERY) this.#timer = setTimeout(() => this.#look(), wait);
  }

  #giveUp() {
    this.#working = 0;
    if (!this.#ended) this.#instance.giveUp(this, new Error("the event took too long"));
  }

  /** What the program asked the database before it waited goes there in one round trip. */
  #doAll(posted) {
    const statements = posted.filter(([what]) => what === "query");
    if (statements.length > 0) {
      const texts = statements.map(([, , text]) => text);
      this.#reply(statements.map(([, number]) => number), () => query(this.#platform.env.DB, texts));
    }
    for (const [what, number, ...args] of posted) {
      if (what === "fetch") this.#reply([number], async () => [await this.#fetch(number, args)]);
      if (what === "abort") this.#aborts.get(number)?.abort();
      if (what === "put") this.#reply([number], async () => [void (await this.#put(...args))]);
    }
  }

  async #fetch(number, request) {
    const abort = new AbortController();
    this.#aborts.set(number, abort);
    try {
      return await this.#platform.fetch(this, ...request, abort.signal);
    } finally {
      this.#aborts.delete(number);
    }
  }

  #put(bucket, key, text) {
    return this.#platform.env[bucket].put(key, text);
  }

  /** Does what the program waits for under some numbers, and gives it a value for each. */
  async #reply(numbers, work) {
    this.#working++;
    let values = [];
    let failure = "";
    try {
      values = await work();
    } catch (problem) {
      failure = String(problem) || "failed";
    }
    this.#working--;
    numbers.forEach((number, i) => this.#instance.reply(this, number, failure, values[i]));
    this.wake();
  }
}

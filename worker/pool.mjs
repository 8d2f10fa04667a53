import { parseHeaders, readLimited, report } from "./http.mjs";
import { Instance, outgoing } from "./instance.mjs";
import { Memories } from "./memory.mjs";
import { Busy, ClientGone, Queue } from "./queue.mjs";
import { failure, refusal } from "./refusal.mjs";
import { head } from "./request.mjs";

/** What a pool keeps to. Times are milliseconds, sizes bytes. */
const LIMITS = {
  events: 64, // at once; more than an isolate's processor keeps busy with D1 far away
  asking: 16, // of them ask a provider, which may hang
  instances: 4, // at once: one takes events, the others end those that they have
  budget: 96 << 20, // of all memories together; the platform's 128 MB are for the whole isolate
  share: 24 << 20, // of it that a successor needs
  memory: 24 << 20, // beyond which an instance is replaced
  uses: 20_000, // after which an instance is replaced, whatever it has kept
  event: 15_000, // a request has been answered, or it is given up
  cron: 300_000, // the same for what a cron trigger does
  patience: 10_000, // a request waits for a place
  waiting: 250, // events wait
  body: 128 << 10, // of a request; a provider may post an identity token beside the code
};

/** How often at the most the log says that requests are refused, in milliseconds. */
const TELL_EVERY = 10_000;

/** Keeps an instance of a program that serves events, and replaces it. */
export class Pool {
  #module;
  #limits;
  #instance; // that takes events
  #replaced = []; // those that end the events that they have
  #memories = new Memories();
  #queue;
  #refused = { count: 0, toldAt: 0 }; // since the log was told

  constructor(module, limits = {}) {
    this.#module = module;
    this.#limits = { ...LIMITS, ...limits };
    this.#queue = new Queue(this.#limits.waiting, () => this.#free());
  }

  /** How many events wait. */
  get waiting() {
    return this.#queue.length;
  }

  /**
   * Answers a request. Once begun, the work goes on to its end if the client goes away.
   * @param {import("./request.mjs").Parsed} parsed
   */
  fetch(parsed, env, ctx) {
    const answered = this.#answer(parsed, env, ctx).catch((problem) => this.#errorResponse(parsed, problem));
    ctx.waitUntil(answered);
    return answered;
  }

  /** Runs what the program does at a cron trigger. */
  async scheduled(env, ctx) {
    const { cron } = this.#limits;
    try {
      const [problem] = await this.#call({ env, ctx, asks: false, patience: cron, life: cron }, "scheduled", []);
      if (problem !== "") throw new Error(problem);
    } catch (problem) {
      report(problem);
      throw problem;
    }
  }

  async #answer(parsed, env, ctx) {
    const { request, asks } = parsed;
    const { body: most, patience, event: life } = this.#limits;
    const body = await readLimited(request.body, most);
    if (body === undefined) return refusal(parsed, 413, "invalid_request", "The body is too large.");
    const event = { env, ctx, asks, signal: request.signal, patience, life };
    // The program gives up before it is given up: what it asked may hang.
    const [status, headers, content] = await this.#call(event, "fetch", [head(parsed), body, life * 0.8]);
    return new Response(hasNoBody(status, request) ? null : content, { status, headers: parseHeaders(headers) });
  }

  /** Gives the program an event when it is the event's turn, and returns what it answers. */
  async #call(event, kind, args) {
    const { env, ctx, asks, life, patience } = event;
    const platform = { env, asks, life, fetch: (served, ...request) => this.#outgoing(served, request) };
    const served = await this.#queue.wait(event, patience, () => this.#usable(env).call(kind, args, platform));
    ctx.waitUntil(served.serve().finally(() => this.#queue.wake()));
    return served.answer;
  }

  /** The instance that takes events: a new one where that of before has served its time. */
  #usable(env) {
    if (this.#instance === undefined || this.#isSpent(this.#instance)) {
      if (this.#instance !== undefined) this.#replaced.push(this.#instance);
      this.#instance = undefined;
      this.#instance = Instance.start(this.#module, env, (memory) => this.#memories.add(memory));
    }
    return this.#instance;
  }

  /**
   * Whether an instance takes no more events. What is dropped takes up its room until the
   * platform collects it, which may be long after: a successor has to have room beside it.
   */
  #isSpent({ healthy, uses, bytes }) {
    const { uses: most, memory, budget, share } = this.#limits;
    return !healthy || ((uses >= most || bytes > memory) && this.#memories.bytes + share <= budget);
  }

  /** How many more events may begin, and how many of those that ask a provider. */
  #free() {
    const { events, asking, instances } = this.#limits;
    this.#replaced = this.#replaced.filter((instance) => instance.events.length > 0);
    const served = this.#instance?.events ?? [];
    const spent = this.#instance !== undefined && this.#isSpent(this.#instance);
    if (!spent) return { places: events - served.length, asking: asking - countAsking(served) };
    return this.#replaced.length + 1 < instances ? { places: events, asking } : { places: 0, asking: 0 };
  }

  /**
   * Makes a request of the program's own. An event that had not been expected to ask
   * anybody does so where there is a place for it, and does not wait for one.
   */
  async #outgoing(event, request) {
    const expected = event.asks || event.asking > 0;
    if (!expected && countAsking(this.#instance?.events ?? []) >= this.#limits.asking) throw new Error("too many events ask a provider");
    event.asking++;
    try {
      return await outgoing(...request);
    } finally {
      event.asking--;
    }
  }

  /** The answer where the program gave none. */
  #errorResponse(parsed, problem) {
    if (problem instanceof ClientGone) return new Response(null, { status: 499 }); // the client has left
    if (!(problem instanceof Busy)) return failure(parsed, problem);
    this.#tellRefusal(problem);
    return refusal(parsed, 503, "temporarily_unavailable", "The server is busy. Try again.", { headers: { "Retry-After": "5" } });
  }

  /** Logs that requests are refused, and how many since it did the last time. */
  #tellRefusal({ message: cause }) {
    const count = ++this.#refused.count;
    if (Date.now() - this.#refused.toldAt < TELL_EVERY) return;
    this.#refused = { count: 0, toldAt: Date.now() };
    console.warn(JSON.stringify({ level: "WARN", msg: "requests are refused", cause, count }));
  }
}

function hasNoBody(status, request) {
  return request.method === "HEAD" || status === 204 || status === 205 || status === 304;
}

/** How many events ask a provider. */
function countAsking(events) {
  return events.filter(({ asks, asking }) => asks || asking > 0).length;
}

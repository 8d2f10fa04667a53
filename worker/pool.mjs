import { parseHeaders, readLimited, report } from "./http.mjs";
import { Instance, outgoing } from "./instance.mjs";
import { Memories } from "./memory.mjs";
import { Busy, ClientGone, Queue } from "./queue.mjs";
import { failure, refusal } from "./refusal.mjs";
import { head } from "./request.mjs";

/** What a pool keeps to. Times are milliseconds, sizes bytes. */
const LIMITS = {
  instances: 6, // at once
  asking: 2, // of them for events that ask a provider, which may hang
  budget: 96 << 20, // of all memories together; the platform's 128 MB are for the whole isolate
  share: 12 << 20, // of it that an instance is sure of
  memory: 24 << 20, // beyond which an instance is replaced
  uses: 20_000, // after which an instance is replaced, whatever it has kept
  event: 15_000, // a request has been answered, or its instance is given up
  cron: 300_000, // the same for what a cron trigger does
  patience: 10_000, // a request waits for an instance
  waiting: 250, // events wait
  body: 128 << 10, // of a request; a provider may post an identity token beside the code
};

/** How often at the most the log says that requests are refused, in milliseconds. */
const TELL_EVERY = 10_000;

/** Keeps instances of a program and lends each to one event at a time. */
export class Pool {
  #module;
  #limits;
  #idle = [];
  #loans = new Set();
  #memories = new Memories();
  #queue;
  #refused = { count: 0, toldAt: 0 }; // since the log was told

  constructor(module, limits = {}) {
    this.#module = module;
    this.#limits = { ...LIMITS, ...limits };
    this.#queue = new Queue(this.#limits.waiting, (event) => this.#canLend(event));
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
    // The program gives up before its instance is given up: what it asked may hang.
    const [status, headers, content] = await this.#call(event, "fetch", [head(parsed), body, life * 0.8]);
    return new Response(hasNoBody(status, request) ? null : content, { status, headers: parseHeaders(headers) });
  }

  /** Lends an instance to an event until all that the event began has ended. */
  async #call(event, kind, args) {
    const loan = await this.#borrow(event);
    const later = [];
    try {
      const platform = { db: event.env.DB, waitUntil: (work) => later.push(work), fetch: (...request) => this.#outgoing(loan, request) };
      const answer = await withTimeout(event.life, loan.instance.call(kind, args, platform));
      loan.healthy = answer[3] ?? true;
      if (later.length === 0) this.#release(loan);
      else event.ctx.waitUntil(withTimeout(event.life, Promise.allSettled(later)).then(() => this.#release(loan), () => this.#close(loan)));
      return answer;
    } catch (problem) {
      loan.instance.endEvent();
      this.#close(loan);
      throw problem;
    }
  }

  /** Takes an idle instance, or starts one, when it is the event's turn. */
  async #borrow(event) {
    const loan = await this.#queue.wait(event, event.patience, () => this.#lend(event));
    try {
      loan.instance ??= Instance.start(this.#module, event.env, (memory) => this.#memories.add(memory));
    } catch (problem) {
      this.#close(loan);
      throw problem;
    }
    return loan;
  }

  #lend({ asks, life }) {
    // An event that the platform ended gives nothing back: its loan lapses.
    const loan = { instance: this.#idle.pop(), asks, asking: 0, expires: Date.now() + 3 * life, healthy: true };
    this.#loans.add(loan);
    return loan;
  }

  /** Whether an event may have an instance now. */
  #canLend({ asks }) {
    this.#dropExpiredLoans();
    if (asks && this.#asking() >= this.#limits.asking) return false;
    if (this.#idle.length > 0) return true;
    return this.#loans.size < this.#minInstances || (this.#loans.size < this.#limits.instances && this.#fitsBudget());
  }

  /** Whether the budget has room for one more instance, when each has grown to its share. */
  #fitsBudget() {
    const { budget, share } = this.#limits;
    const growing = this.#instances().map((instance) => Math.max(0, share - (instance?.bytes ?? 0)));
    return growing.reduce((sum, more) => sum + more, this.#memories.bytes) + share <= budget;
  }

  /** All instances; undefined stands for one that starts. */
  #instances() {
    return [...this.#idle, ...[...this.#loans].map(({ instance }) => instance)];
  }

  /** With fewer instances, events that ask a provider might have them all. */
  get #minInstances() {
    return Math.min(this.#limits.asking + 1, this.#limits.instances);
  }

  #dropExpiredLoans() {
    const now = Date.now();
    for (const loan of this.#loans) if (loan.expires <= now) this.#loans.delete(loan);
  }

  /** How many instances are lent to events that ask a provider. */
  #asking() {
    return [...this.#loans].filter(({ asks, asking }) => asks || asking > 0).length;
  }

  /**
   * Makes a request of the program's own. An event that had not been expected to ask
   * anybody does so where there is a place for it, and does not wait for one.
   */
  async #outgoing(loan, request) {
    if (!loan.asks && loan.asking === 0 && this.#asking() >= this.#limits.asking) throw new Error("too many events ask a provider");
    loan.asking++;
    try {
      return await outgoing(...request);
    } finally {
      loan.asking--;
    }
  }

  #release(loan) {
    loan.instance.endEvent();
    if (loan.healthy && !loan.instance.ended && this.#isReusable(loan.instance)) this.#idle.push(loan.instance);
    this.#close(loan);
  }

  /**
   * Whether an instance goes on. What is dropped takes up its room until the platform
   * collects it, which may be long after: a successor has to have room beside it.
   */
  #isReusable({ uses, bytes }) {
    const { uses: most, memory, budget } = this.#limits;
    if (this.#memories.bytes > budget) return this.#instances().length <= this.#minInstances;
    return (uses < most && bytes <= memory) || !this.#fitsBudget();
  }

  #close(loan) {
    this.#loans.delete(loan);
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

/** Rejects when a promise has not settled in time. */
function withTimeout(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the event took too long")), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

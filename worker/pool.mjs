import { failure, pairs, readAtMost, refusal, report } from "./http.mjs";
import { Instance } from "./instance.mjs";

/** What a pool keeps to. Times are milliseconds, sizes bytes. */
const LIMITS = {
  instances: 10, // at once; together with `memory` they stay below the platform's 128 MB
  uses: 2000, // events that an instance serves; D1's driver leaves a callback behind at each query
  memory: 24 << 20, // beyond which it serves no further event
  event: 15_000, // an event has ended, or its instance is given up
  patience: 10_000, // an event waits for an instance
  body: 64 << 10, // of a request
};

/** Keeps instances of a program and lends each to one event at a time. */
export class Pool {
  #module;
  #limits;
  #idle = [];
  #loans = new Set();

  constructor(module, limits = {}) {
    this.#module = module;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Answers a request. The work goes on to its end if the client goes away. */
  fetch(request, env, ctx) {
    const answered = this.#answer(request, env, ctx).catch(failure);
    ctx.waitUntil(answered);
    return answered;
  }

  /** Runs what the program does at a cron trigger. */
  async scheduled(env, ctx) {
    try {
      const [problem] = await this.#call(env, ctx, "scheduled", []);
      if (problem !== "") throw new Error(problem);
    } catch (problem) {
      report(problem);
      throw problem;
    }
  }

  async #answer(request, env, ctx) {
    const body = await readAtMost(request.body, this.#limits.body);
    if (body === undefined) return refusal(413, "invalid_request", "The body is too large.");
    const [status, headers, content] = await this.#call(env, ctx, "fetch", [head(request), body]);
    return new Response(bodiless(status, request) ? null : content, { status, headers: pairs(headers) });
  }

  /** Lends an instance to an event until all that the event began has ended. */
  async #call(env, ctx, kind, args) {
    const loan = await this.#borrow(env);
    const later = [];
    try {
      const answer = await within(this.#limits.event, loan.instance.call(kind, args, (work) => later.push(work)));
      loan.healthy = answer[3] ?? true;
      if (later.length === 0) this.#giveBack(loan);
      else ctx.waitUntil(within(this.#limits.event, Promise.allSettled(later)).then(() => this.#giveBack(loan), () => this.#close(loan)));
      return answer;
    } catch (problem) {
      this.#close(loan);
      throw problem;
    }
  }

  /** Takes an idle instance, starts one where there is room, or waits. */
  async #borrow(env) {
    const patience = Date.now() + this.#limits.patience;
    let turn = 1;
    while (this.#idle.length === 0 && this.#loaned() >= this.#limits.instances) {
      if (Date.now() >= patience) throw new Error("every instance is in use");
      turn = Math.min(2 * turn, 64);
      await pause(turn);
    }
    // An event that the platform ended gives nothing back: its loan lapses.
    const loan = { instance: this.#idle.pop(), lapses: Date.now() + 3 * this.#limits.event, healthy: true };
    this.#loans.add(loan);
    try {
      loan.instance ??= await Instance.start(this.#module, env);
    } catch (problem) {
      this.#close(loan);
      throw problem;
    }
    return loan;
  }

  #loaned() {
    const now = Date.now();
    for (const loan of this.#loans) if (loan.lapses <= now) this.#loans.delete(loan);
    return this.#loans.size;
  }

  #giveBack(loan) {
    const { instance } = loan;
    const { uses, memory } = this.#limits;
    instance.rest();
    if (loan.healthy && !instance.ended && instance.uses < uses && instance.bytes <= memory) this.#idle.push(instance);
    this.#close(loan);
  }

  #close(loan) {
    this.#loans.delete(loan);
  }
}

/** The method, the address, the client's address and the headers, a line each. */
function head(request) {
  const lines = [request.method, request.url, request.headers.get("CF-Connecting-IP") ?? ""];
  for (const [name, value] of request.headers) lines.push(`${name}: ${value}`);
  return lines.join("\n");
}

function bodiless(status, request) {
  return request.method === "HEAD" || status === 204 || status === 205 || status === 304;
}

/**
 * Lets time pass. An event that waits for another has to look again: what the
 * other resolves would go on in the other's context.
 */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Rejects when a promise has not settled in time. */
function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the event took too long")), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

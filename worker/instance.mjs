import "./build/wasm_exec.js";
import { Statements } from "./d1.mjs";
import { parseHeaders, readLimited } from "./http.mjs";
import { Timers } from "./timers.mjs";

/** The most that an answer to the program's own requests may have, in bytes. */
const MAX_ANSWER = 1 << 20;

/**
 * What the program's runtime is told: to collect garbage when a quarter more is in use
 * than was left the last time. A memory never shrinks, so what it grows to counts.
 */
const ENVIRONMENT = { GOGC: "25" };

/**
 * One instance of the Go program. It takes one event at a time: Go's scheduler
 * resumes whatever goroutine is ready in the event that happens to call it, and
 * the platform refuses I/O that belongs to another event.
 */
export class Instance {
  uses = 0;
  #go = new globalThis.Go();
  #timers = new Timers(this.#go);
  #memory;
  #binding = {};
  #runtime;
  #statements;

  /**
   * Starts the program of a WebAssembly module, at once: what instantiates it later would
   * go on in whatever event runs then. Throws if the program ends.
   * @param {(memory: WebAssembly.Memory) => void} onMemory is told the program's memory
   */
  static start(module, env, onMemory) {
    const instance = new Instance();
    instance.#go.env = ENVIRONMENT;
    const wasm = new WebAssembly.Instance(module, instance.#go.importObject);
    instance.#memory = wasm.exports.mem;
    onMemory(instance.#memory);
    instance.#runtime = { env, binding: instance.#binding };
    globalThis.context = instance.#runtime; // which the program keeps while it starts
    instance.#go._resolveExitPromise = () => {}; // belongs to this event; #go.exit tells
    instance.#go.run(wasm);
    if (instance.ended) throw new Error("the program ended at its start");
    return instance;
  }

  /** Whether the program has ended. */
  get ended() {
    return this.#go.exited;
  }

  /** The size of the program's memory, in bytes. */
  get bytes() {
    return this.#memory.buffer.byteLength;
  }

  /**
   * Gives the program an event and returns what it calls back with.
   * @param {"fetch" | "scheduled"} kind
   * @param {unknown[]} args
   * @param {object} platform what the program has for the event
   * @param {D1Database} platform.db
   * @param {(work: Promise<unknown>) => void} platform.waitUntil takes what goes on after the answer
   * @param {(...request: unknown[]) => Promise<unknown[]>} platform.fetch makes a request of the program's own
   */
  call(kind, args, { db, waitUntil, fetch }) {
    this.uses++;
    const statements = new Statements(db, (...answer) => this.#binding.answered(...answer));
    this.#statements = statements;
    this.#runtime.ask = (number, text) => statements.ask(number, text);
    this.#runtime.ctx = { waitUntil };
    this.#runtime.fetch = fetch;
    this.#timers.start();
    return new Promise((resolve, reject) => {
      this.#go.exit = (code) => reject(new Error(`the program ended with code ${code}`));
      this.#binding[kind](...args, (...answer) => resolve(answer));
    });
  }

  /** Ends the event. */
  endEvent() {
    this.#statements.end();
    this.#timers.stop();
  }
}

/** A request of the program's own: its answer is [status, headers, body]. */
export async function outgoing(method, url, headers, body, signal) {
  const response = await fetch(url, {
    method,
    headers: parseHeaders(headers),
    body: body.length > 0 ? body : undefined,
    redirect: "manual",
    signal,
  });
  const read = await readLimited(response.body, MAX_ANSWER);
  if (read === undefined) throw new Error("the answer is too large");
  return [response.status, [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"), read];
}

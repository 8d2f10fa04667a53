import "./build/wasm_exec.js";
import { pairs, readAtMost } from "./http.mjs";
import { Timers } from "./timers.mjs";

/** The most that an answer to the program's own requests may have, in bytes. */
const MAX_ANSWER = 1 << 20;

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

  /** Starts the program of a WebAssembly module. Throws if it ends at once. */
  static async start(module, env) {
    const instance = new Instance();
    const wasm = await WebAssembly.instantiate(module, instance.#go.importObject);
    instance.#memory = wasm.exports.mem;
    instance.#runtime = { env, binding: instance.#binding, fetch: outgoing };
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
   * @param {(work: Promise<unknown>) => void} waitUntil takes what goes on after the answer
   */
  call(kind, args, waitUntil) {
    this.uses++;
    this.#runtime.ctx = { waitUntil };
    this.#timers.start();
    return new Promise((resolve, reject) => {
      this.#go.exit = (code) => reject(new Error(`the program ended with code ${code}`));
      this.#binding[kind](...args, (...answer) => resolve(answer));
    });
  }

  /** Ends the event. */
  rest() {
    this.#timers.stop();
  }
}

/** A request of the program's own: its answer is [status, headers, body]. */
async function outgoing(method, url, headers, body, signal) {
  const response = await fetch(url, {
    method,
    headers: pairs(headers),
    body: body.length > 0 ? body : undefined,
    redirect: "manual",
    signal,
  });
  const read = await readAtMost(response.body, MAX_ANSWER);
  if (read === undefined) throw new Error("the answer is too large");
  return [response.status, [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"), read];
}

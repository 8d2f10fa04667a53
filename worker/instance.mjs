import "./build/wasm_exec.js";
import { Event } from "./event.mjs";
import { parseHeaders, readLimited } from "./http.mjs";
import { Timers } from "./timers.mjs";

/** The most that an answer to the program's own requests may have, in bytes. */
const MAX_ANSWER = 1 << 20;

/**
 * What the program's runtime is told: to collect garbage when a quarter more is in use
 * than was left the last time. A memory never shrinks, so what it grows to counts.
 */
const ENVIRONMENT = { GOGC: "25" };

/** One instance of the Go program, which serves many events at once: see event.mjs. */
export class Instance {
  uses = 0;
  healthy = true; // no event of it panicked, failed, or never came to an end
  #go = new globalThis.Go();
  #timers = new Timers(this.#go, () => this.#current?.wake());
  #memory;
  #binding = {};
  #events = new Map(); // by number
  #current; // the event in whose context the program was called last
  #depth = 0; // of the calls of the program
  #ended = false;

  /**
   * Starts the program of a WebAssembly module, at once: what instantiates it later would
   * go on in whatever event runs then. Throws if the program ends.
   * @param {(memory: WebAssembly.Memory) => void} onMemory is told the program's memory
   */
  static start(module, env, onMemory) {
    const instance = new Instance();
    const go = instance.#go;
    go.env = ENVIRONMENT;
    const wasm = new WebAssembly.Instance(module, go.importObject);
    instance.#memory = wasm.exports.mem;
    onMemory(instance.#memory);
    const post = (number, what, ...args) => instance.#post(number, what, args);
    globalThis.context = { env, binding: instance.#binding, post }; // which the program keeps while it starts
    go._resolveExitPromise = () => {}; // belongs to this event; go.exit tells
    go.exit = (code) => instance.#end(new Error(`the program ended with code ${code}`));
    const resume = go._resume;
    go._resume = () => instance.#resume(() => resume.call(go));
    go.run(wasm);
    if (instance.#ended) throw new Error("the program ended at its start");
    return instance;
  }

  /** The size of the program's memory, in bytes. */
  get bytes() {
    return this.#memory.buffer.byteLength;
  }

  /** The events that it serves. One that the platform ended gives nothing back: it lapses. */
  get events() {
    const now = Date.now();
    const lapsed = [...this.#events.values()].filter(({ lapses }) => lapses <= now);
    for (const event of lapsed) this.giveUp(event, new Error("the event was lost"));
    return [...this.#events.values()];
  }

  /**
   * Gives the program an event, in the event's own context.
   * @param {"fetch" | "scheduled"} kind
   * @param {unknown[]} args
   * @param {object} platform as Event takes it
   */
  call(kind, args, platform) {
    const event = new Event(this, platform);
    const number = ++this.uses;
    this.#events.set(number, event);
    this.#enter(event, () => this.#binding[kind](number, ...args));
    return event;
  }

  /** Gives the program what it waits for, in an event's own context. */
  reply(event, number, failure, value) {
    this.#enter(event, () => this.#binding.replied(number, failure, value));
  }

  /** When the program's next timer is due, in milliseconds. */
  get nextTimer() {
    return this.#ended ? Infinity : this.#timers.next;
  }

  /** Lets the program run the timers that are due, in an event's own context. */
  runTimers(event) {
    if (this.nextTimer <= Date.now()) this.#enter(event, () => this.#go._resume());
  }

  /** Gives an event up. Its goroutines may wait for ever, and hold what others need. */
  giveUp(event, problem) {
    this.healthy = false;
    for (const [number, other] of this.#events) if (other === event) this.#events.delete(number);
    event.fail(problem);
  }

  #enter(event, call) {
    this.#current = event;
    // The platform ends an event that takes too much time, wherever the program is then.
    if (this.#depth > 0) this.#end(new Error("the program was interrupted"));
    if (!this.#ended) call();
  }

  /** What is asked on behalf of no event is done by the one in whose context it is asked. */
  #post(number, what, args) {
    const event = number === 0 ? this.#current : this.#events.get(number);
    if (what === "end") {
      this.#events.delete(number);
      this.healthy &&= args[0];
    }
    event?.post(what, args);
  }

  /** Runs the program until all its goroutines wait. */
  #resume(run) {
    if (this.#ended) return;
    this.#depth++;
    try {
      run();
    } catch (problem) {
      this.#end(problem);
    }
    this.#depth--;
  }

  /** Ends all events, as the program has ended. */
  #end(problem) {
    this.#ended = true;
    this.healthy = false;
    for (const event of this.#events.values()) event.fail(problem);
    this.#events.clear();
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

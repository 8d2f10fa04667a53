// @ts-check

import { deferred } from "./deferred.js";
import { toError, unavailable } from "./error.js";
import { compile, execute, forget, stopTimers } from "./exec.js";
import { explainModule, requireCookies } from "./failures.js";
import { afterPrerendering } from "./page.js";

/**
 * @typedef {Record<string, (...args: unknown[]) => void>} Functions
 * @typedef {{
 *   options: Record<string, unknown>,
 *   changed(state: string): void,
 *   send(message: string): void,
 *   failed(error: Error): void,
 * }} Host
 */

/** The WebAssembly module, loaded from the backend, and started again should it die. */
export class Module {
  #url;
  #host;
  #closed = false;
  #failures = 0;
  #attempts = 0;
  /** @type {Functions | undefined} */
  #functions;
  /** @type {ReturnType<typeof deferred<Functions>>} */
  #ready = deferred();
  /** Rejects the calls under way. @type {Set<(reason: unknown) => void>} */
  #calls = new Set();

  /**
   * @param {string} url of module.json
   * @param {Host} host
   */
  constructor(url, host) {
    this.#url = url;
    this.#host = host;
    this.#start();
  }

  /** Whether the module runs. */
  get running() {
    return this.#functions !== undefined;
  }

  #start() {
    if (this.#closed || this.running) return;
    const attempt = ++this.#attempts;
    this.#run(attempt).catch((cause) => attempt === this.#attempts && this.#restart(cause));
  }

  /** @param {number} attempt only the last one counts */
  async #run(attempt) {
    requireCookies();
    const module = await compile(this.#url, this.#failures);
    await new Promise(afterPrerendering);
    const go = new globalThis.Go();
    const instance = await WebAssembly.instantiate(module, go.importObject);
    if (attempt !== this.#attempts) return;
    /** @type {(() => void) | undefined} */
    let release;
    try {
      await execute(go, instance, {
        ...this.#host,
        ready: (/** @type {Functions} */ functions) => {
          // From now on it goes on where the record stands, not where the page began.
          Object.assign(this.#host.options, { organization: "", arrival: "" });
          this.#functions = functions;
          this.#ready.resolve(functions);
        },
        hold: (/** @type {() => void} */ lock) => (release = lock),
      });
    } finally {
      stopTimers(go);
      release?.();
    }
    throw new Error("the module stopped and will be started again");
  }

  /** @param {unknown} cause */
  #restart(cause) {
    const error = unavailable(String(cause));
    this.#rejectCalls(error);
    this.#host.failed(error);
    const pause = Math.min(1000 * 2 ** this.#failures++, 60000) * (0.5 + Math.random() / 2);
    const attempt = this.#attempts;
    setTimeout(() => attempt === this.#attempts && this.#start(), pause);
    if (typeof cause === "string") console.error("tabard:", cause);
    else explainModule(cause, this.#url, () => this.running || this.#closed).then((final) => {
      if (!final) return;
      this.#end(final);
      this.#host.failed(final);
    });
  }

  /**
   * Starts the module no more, unless the page is looked at.
   * @param {Error} error
   */
  #end(error) {
    this.#attempts++;
    this.#rejectCalls(error);
    this.#ready.reject(error);
  }

  /**
   * Ends the calls under way; new ones wait for the next start.
   * @param {Error} error
   */
  #rejectCalls(error) {
    this.#functions = undefined;
    this.#ready.reject(error);
    this.#ready = deferred();
    for (const reject of this.#calls) reject(error);
  }

  /**
   * Calls a function of the module's that answers. One of the release before has no "enter",
   * for which "switch" does.
   * @param {string} name
   * @param {...string} args
   * @returns {Promise<string>}
   */
  async ask(name, ...args) {
    if (args.some((arg) => arg !== undefined && typeof arg !== "string")) throw new TypeError(`${name}: every argument must be a string`);
    const functions = this.#functions ?? (await this.#ready.promise);
    /** @type {ReturnType<typeof deferred<string>>} */
    const answer = deferred();
    this.#calls.add(answer.reject);
    try {
      (functions[name] ?? functions[name === "enter" ? "switch" : name])(answer.resolve, answer.reject, ...args);
      return await answer.promise;
    } catch (reason) {
      throw toError(reason);
    } finally {
      this.#calls.delete(answer.reject);
    }
  }

  /**
   * Tells the module something, if it runs. If it does not, a page that is looked at, or
   * online again, need not wait for the next start.
   * @param {string} name
   * @param {...string} args
   */
  tell(name, ...args) {
    if (this.#functions) this.#functions[name]?.(...args);
    else if (name === "look") this.#start();
  }

  /**
   * The page was put away, and is shown again. A module that was still on its way then
   * may never arrive: Firefox forgets what such a page was loading.
   */
  resume() {
    if (this.running) return this.tell("thaw");
    forget(this.#url);
    this.#start();
  }

  close() {
    this.#closed = true;
    this.tell("close");
    this.#end(unavailable("the client was closed"));
  }
}

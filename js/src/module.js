// @ts-check

import { deferred } from "./deferred.js";
import { TabardError, toError, unavailable } from "./error.js";
import { compile, execute, forget, stopTimers } from "./exec.js";
import { explain, requireCookies } from "./failures.js";
import { afterPrerendering } from "./page.js";

/**
 * @typedef {Record<string, (...args: unknown[]) => void>} Functions
 * @typedef {{
 *   backend: string,
 *   options: Record<string, unknown>,
 *   changed(state: string): void,
 *   send(message: string): void,
 *   join(loginUrl: string): void,
 *   failed(error: Error): void,
 *   recheck(): void,
 *   dormant: boolean,
 * }} Host
 * @typedef {ReturnType<typeof startModule>} Module
 */

/**
 * Starts the WebAssembly module, loaded from the backend, and again should it die. A dormant
 * page has none until it is looked at or calls.
 * @param {string} url of module.json
 * @param {Host} host
 */
export function startModule(url, host) {
  let closed = false;
  let failures = 0;
  let attempts = 0;
  let { dormant } = host;
  /** @type {Functions | undefined} */
  let functions;
  /** @type {ReturnType<typeof deferred<Functions>>} */
  let ready = deferred();
  /** Rejects the calls under way. @type {Set<(reason: unknown) => void>} */
  const calls = new Set();
  const running = () => functions !== undefined;

  function start() {
    dormant = false;
    if (closed || running()) return;
    const attempt = ++attempts;
    run(attempt).catch((cause) => attempt === attempts && restart(cause));
  }

  /** @param {number} attempt only the last one counts */
  async function run(attempt) {
    requireCookies();
    const module = await compile(url, host.backend, failures);
    await new Promise(afterPrerendering);
    const go = new globalThis.Go();
    const instance = await WebAssembly.instantiate(module, go.importObject);
    if (attempt !== attempts) return;
    /** @type {(() => void) | undefined} */
    let release;
    try {
      await execute(go, instance, {
        ...host,
        ready: (/** @type {Functions} */ its) => {
          // From now on it goes on where the record stands, not where the page began.
          Object.assign(host.options, { organization: "", account: "", arrival: "" });
          functions = its;
          ready.resolve(its);
        },
        hold: (/** @type {() => void} */ lock) => (release = lock),
      });
    } finally {
      stopTimers(go);
      release?.();
    }
    throw new Error("the module stopped");
  }

  /** @param {unknown} cause */
  function restart(cause) {
    const error = unavailable(String(cause));
    rejectCalls(error);
    host.failed(error);
    const pause = Math.min(1000 * 2 ** failures++, 60000) * (0.5 + Math.random() / 2);
    const attempt = attempts;
    setTimeout(() => attempt === attempts && start(), pause);
    explain("explainModule", cause, url, () => running() || closed).then((found) => {
      if (!found) return;
      const final = new TabardError(found.code, "stop", found.description);
      end(final);
      host.failed(final);
    });
  }

  /**
   * Starts the module no more, unless the page is looked at.
   * @param {Error} error
   */
  function end(error) {
    attempts++;
    rejectCalls(error);
    ready.reject(error);
  }

  /**
   * Ends the calls under way; new ones wait for the next start.
   * @param {Error} error
   */
  function rejectCalls(error) {
    functions = undefined;
    ready.reject(error);
    ready = deferred();
    for (const reject of calls) reject(error);
  }

  /**
   * Tells the module something, if it runs. If it does not, a page that is looked at, or
   * online again, need not wait for the next start. A dormant page shows no data of before
   * a sign-out.
   * @param {string} name
   * @param {...string} args
   */
  function tell(name, ...args) {
    if (functions) return void functions[name]?.(...args);
    if (dormant) host.recheck();
    if (name === "look" && !(dormant && document.hidden)) start();
  }

  if (!dormant) start();
  return {
    running,
    tell,
    /**
     * Calls a function of the module's that answers. One of the release before has no "enter",
     * for which "switch" does.
     * @param {string} name
     * @param {...string} args
     * @returns {Promise<string>}
     */
    async ask(name, ...args) {
      if (args.some((arg) => arg !== undefined && typeof arg !== "string")) throw new TypeError(`${name}: every argument must be a string`);
      if (dormant) start();
      const its = functions ?? (await ready.promise);
      /** @type {(reason: unknown) => void} */
      let end;
      try {
        return await new Promise((resolve, reject) => {
          calls.add((end = reject));
          (its[name] ?? its[name === "enter" ? "switch" : name])(resolve, reject, ...args);
        });
      } catch (reason) {
        throw toError(reason);
      } finally {
        // @ts-expect-error: it is set by now
        calls.delete(end);
      }
    },
    /**
     * The page was put away, and is shown again. A module that was still on its way then
     * may never arrive: Firefox forgets what such a page was loading.
     */
    resume() {
      if (running()) return tell("thaw");
      forget(url);
      start();
    },
    close() {
      closed = true;
      tell("close");
      end(unavailable("the client was closed"));
    },
  };
}

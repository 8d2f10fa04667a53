// @ts-check
// Loads the WebAssembly module from the backend, starts it, and starts it again
// should it die.

import { toError, unavailable } from "./error.js";

/**
 * @typedef {Record<string, (...args: unknown[]) => void>} Functions
 * @typedef {{
 *   options: Record<string, unknown>,
 *   changed(state: string): void,
 *   send(message: string): void,
 *   failed(error: Error): void,
 * }} Host
 */

/** Compiled modules by address: clients of one page and restarts share them. @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/** @param {string} url */
function compile(url) {
  let module = compiled.get(url);
  if (!module) {
    module = load(url);
    compiled.set(url, module);
    module.catch(() => compiled.delete(url));
  }
  return module;
}

/** @param {string} url of module.json */
async function load(url) {
  const response = await fetch(url, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const { wasm, exec } = await response.json();
  /** @param {{url: string, integrity: string}} asset */
  const get = ({ url: path, integrity }) => fetch(new URL(path, url), { integrity });
  const [module] = await Promise.all([WebAssembly.compileStreaming(get(wasm)), get(exec)]);
  const bare = !globalThis.process;
  await import(/* @vite-ignore */ /* webpackIgnore: true */ new URL(exec.url, url).href);
  if (bare) hideProcess();
  return module;
}

/** What wasm_exec.js puts in the place of Node's process. @type {unknown} */
let process;

/** Takes it away: libraries tell by it that they run in Node. */
function hideProcess() {
  process ??= globalThis.process;
  delete globalThis.process;
}

/**
 * Starts the module.
 * @param {string} url of module.json
 * @param {Host} host
 */
export function startModule(url, host) {
  let closed = false;
  let faults = 0;
  /** @type {Functions | undefined} */
  let functions;
  /** @type {ReturnType<typeof deferred<Functions>>} */
  let ready = deferred();
  let ran = false;
  /** Rejects the calls under way. @type {Set<(reason: unknown) => void>} */
  const calls = new Set();

  async function run() {
    const module = await compile(url);
    const go = new globalThis.Go();
    const instance = await WebAssembly.instantiate(module, go.importObject);
    if (closed) return;
    /** @type {(() => void) | undefined} */
    let release;
    globalThis.__tabard = {
      ...host,
      /** @param {Functions} f */
      ready(f) {
        ran = true;
        functions = f;
        ready.resolve(f);
      },
      /** @param {() => void} f releases the lock on the tab's id */
      hold(f) {
        release = f;
      },
    };
    const hidden = process && !globalThis.process;
    if (hidden) globalThis.process = process;
    const exit = go.run(instance);
    if (hidden) hideProcess();
    delete globalThis.__tabard;
    try {
      await exit;
    } finally {
      silence(go);
      release?.();
    }
    if (!closed) throw new Error("the module stopped");
  }

  /** @param {unknown} cause */
  function died(cause) {
    const error = unavailable(String(cause));
    console.error("tabard:", cause);
    functions = undefined;
    ready.reject(error);
    ready = deferred();
    for (const reject of calls) reject(error);
    host.failed(error);
    // It goes on where the record stands, not where the page began.
    if (ran) host.options = { ...host.options, organization: "", arrival: "" };
    setTimeout(start, Math.min(1000 * 2 ** faults++, 60000) * (0.5 + Math.random() / 2));
  }

  function start() {
    if (!closed) run().catch(died);
  }
  start();

  return {
    /** Whether the module runs. */
    get running() {
      return functions !== undefined;
    },
    /**
     * Calls a function of the module's that answers.
     * @param {string} name
     * @param {...string} args
     * @returns {Promise<string>}
     */
    async ask(name, ...args) {
      const f = functions ?? (await ready.promise);
      /** @type {(reason: unknown) => void} */
      let cancel = () => {};
      try {
        return await new Promise((resolve, reject) => {
          cancel = reject;
          calls.add(reject);
          f[name](resolve, reject, ...args);
        });
      } catch (reason) {
        throw toError(reason);
      } finally {
        calls.delete(cancel);
      }
    },
    /**
     * Tells the module something, if it runs.
     * @param {string} name
     * @param {...string} args
     */
    tell(name, ...args) {
      functions?.[name](...args);
    },
    close() {
      closed = true;
      functions?.close();
      const error = unavailable("the client was closed");
      ready.reject(error);
      for (const reject of calls) reject(error);
    },
  };
}

/**
 * A promise that is settled from outside, and that nobody need wait for.
 * @template T
 */
export function deferred() {
  /** @type {(value: T) => void} */
  let resolve = () => {};
  /** @type {(reason: unknown) => void} */
  let reject = () => {};
  /** @type {Promise<T>} */
  const promise = new Promise((...settle) => ([resolve, reject] = settle));
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/**
 * Lets what still refers to a dead instance (timers, promises) come to nothing.
 * @param {import("./globals.js").Go} go
 */
function silence(go) {
  go._resume = () => {};
  for (const timeout of go._scheduledTimeouts.values()) clearTimeout(timeout);
}

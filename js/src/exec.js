// @ts-check
// The module's assets: compiled once, shared by the page's clients and restarts.

import { deferred } from "./deferred.js";

/** Compiled modules by the address of module.json. @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/** What wasm_exec.js puts in the place of Node's process. @type {unknown} */
let process;

/** @param {string} url of module.json */
export function compile(url) {
  let module = compiled.get(url);
  if (!module) {
    module = load(url);
    compiled.set(url, module);
    module.catch(() => compiled.get(url) === module && forget(url));
  }
  return module;
}

/** @param {string} url */
export const forget = (url) => compiled.delete(url);

/** @param {string} url */
async function load(url) {
  const response = await fetch(url, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const { wasm, exec } = await response.json();
  /** @param {{url: string, integrity: string}} asset */
  const get = ({ url: path, integrity }) => fetch(new URL(path, url), { integrity });
  const [module] = await Promise.all([
    WebAssembly.compileStreaming(get(wasm)),
    get(exec).then(() => importExec(new URL(exec.url, url).href)),
  ]);
  return module;
}

/**
 * Runs wasm_exec.js, once its content was seen to be the right one.
 * @param {string} url
 */
async function importExec(url) {
  const bare = !globalThis.process;
  await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  if (bare) hideProcess();
}

/** Takes it away: libraries tell by it that they run in Node. */
function hideProcess() {
  process ??= globalThis.process;
  delete globalThis.process;
}

/**
 * Starts an instance, which finds its handle on the global object, and returns
 * a promise of its end. A trap ends it too: wasm_exec.js throws that at whoever
 * called the module, and waits on.
 * @param {import("./globals.js").Go} go
 * @param {WebAssembly.Instance} instance
 * @param {object} handle
 */
export function execute(go, instance, handle) {
  const hidden = process && !globalThis.process;
  if (hidden) globalThis.process = process;
  globalThis.__tabard = handle;
  const trap = deferred();
  const resume = go._resume;
  go._resume = () => {
    try {
      resume.call(go);
    } catch (cause) {
      trap.reject(cause);
    }
  };
  go.env = { GOGC: "25" }; // Memory, and what it refers to in JavaScript, is given up after 1 MB of garbage, not after 4.
  const exit = go.run(instance);
  delete globalThis.__tabard;
  if (hidden) hideProcess();
  return Promise.race([exit, trap.promise]);
}

/**
 * Lets what still refers to a dead instance (timers, promises) come to nothing.
 * @param {import("./globals.js").Go} go
 */
export function silence(go) {
  go._resume = () => {};
  for (const timeout of go._scheduledTimeouts.values()) clearTimeout(timeout);
}

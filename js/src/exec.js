// @ts-check
// The module's assets: compiled once, shared by the page's clients and restarts.

import { deferred } from "./deferred.js";

/** @import { Asset, Assets } from "./globals.js" */

/** Compiled modules by the address of module.json. @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/** What wasm_exec.js puts in the place of Node's process. @type {unknown} */
let process;

/** Where this file was loaded from, if a backend serves it. */
export const servedBy = import.meta.url?.match(/(.*)\/client\/tabard\.js$/)?.[1];

/** Where a backend has its module.json. */
export const manifest = "/client/module.json";

/**
 * @param {string} url of module.json
 * @param {number} faults how often it went wrong so far: it may take longer each time
 */
export function compile(url, faults) {
  const module = compiled.get(url) ?? load(url, faults);
  compiled.set(url, module);
  module.catch(() => compiled.get(url) === module && forget(url));
  return module;
}

/** @param {string} url */
export const forget = (url) => compiled.delete(url);

/**
 * The file that a backend serves says itself what module.json says. It is asked for after
 * a fault, for the backend may be of another release by then.
 * @param {string} url
 * @param {number} faults
 */
async function load(url, faults) {
  const signal = AbortSignal.timeout(20_000 << Math.min(faults, 3));
  /** @param {Asset} asset */
  const get = ({ url: path, integrity }) => fetch(new URL(path, url), { integrity, signal });
  const known = !faults && url === servedBy + manifest && import.meta.assets;
  /** @type {Assets} */
  const { wasm, exec } = known || (await (await fetch(url, { cache: "no-cache", signal })).json());
  const [module] = await Promise.all([
    compileWhole(wasm, get),
    get(exec).then(importExec),
  ]);
  return module;
}

/**
 * Compiles the module as it arrives, and hands it out once all of it was seen to be the
 * right one. A fetch that is told the integrity gives nothing out before its end; so it is
 * told only where the page may not use WebCrypto.
 * @param {Asset} asset
 * @param {(asset: Asset) => Promise<Response>} get
 */
async function compileWhole({ url, integrity }, get) {
  const { subtle } = crypto;
  if (!subtle) return WebAssembly.compileStreaming(get({ url, integrity }));
  const response = await get({ url });
  const copy = response.clone();
  const [module, digest] = await Promise.all([
    WebAssembly.compileStreaming(response),
    copy.arrayBuffer().then((bytes) => subtle.digest("SHA-256", bytes)),
  ]);
  if (integrity !== "sha256-" + btoa(String.fromCharCode(...new Uint8Array(digest)))) throw new Error("changed: " + url);
  return module;
}

/**
 * Runs wasm_exec.js, once its content was seen to be the right one.
 * @param {Response} response
 */
async function importExec({ url }) {
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

// @ts-check
// The module's assets: compiled once, shared by the page's clients and restarts.

import { own } from "./own.js";

/** @import { Asset, Assets } from "./globals.js" */

/** @typedef {(path: string, options: {integrity?: string, cache?: RequestCache}) => Promise<Response>} Get */

/** Compiled modules by the address of module.json. @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/** Where this file was loaded from, if a backend serves it. */
export const servedBy = import.meta.url?.match(/(.*)\/client\/tabard\.js$/)?.[1];

/** Where a backend has its module.json. */
export const manifest = "/client/module.json";

/**
 * @param {string} url of module.json
 * @param {string} backend
 * @param {number} failures how often it went wrong so far: it may pause for longer each time
 */
export function compile(url, backend, failures) {
  const module = compiled.get(url) ?? load(url, backend, failures);
  compiled.set(url, module);
  module.catch(() => compiled.get(url) === module && forget(url));
  return module;
}

/** @param {string} url */
export const forget = (url) => compiled.delete(url);

/**
 * Gives up when nothing has come for a time: slow bytes may come. The file that a
 * backend serves says itself what module.json says; where that cannot be had, the backend
 * is of another release by now, or one of several is.
 * @param {string} url
 * @param {string} backend
 * @param {number} failures
 * @returns {Promise<WebAssembly.Module>}
 */
const load = (url, backend, failures) => new Promise((resolve, reject) => {
  const controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let limit;
  const onProgress = () => {
    clearTimeout(limit);
    limit = setTimeout(() => {
      reject("no data arrives");
      controller.abort();
    }, 20_000 << Math.min(failures, 3));
  };
  /** @type {Get} */
  const get = (path, options) => fetch(new URL(path, url), { cache: failures ? "reload" : "default", ...options, signal: controller.signal });
  const isOwn = (/** @type {Asset} */ asset) => new URL(asset.url, url).href.startsWith(backend + "/client/");
  /** @param {Assets} assets */
  const all = ({ wasm, exec }) => Promise.all([compileWhole(own(wasm), get, onProgress, isOwn(wasm)), importExec(own(exec), get, url, isOwn(exec), failures)]);
  const asked = async () => all(await (await get(url, { cache: "no-cache" })).json());
  const known = url === servedBy + manifest && import.meta.assets;
  onProgress();
  (known ? all(known).catch(asked) : asked()).then(([module]) => resolve(module), reject);
});

/**
 * Compiles the backend's own module from the network: the name has a digest, and the files
 * beside it could do anything as well. One that is cut off or longer is refused. One from
 * elsewhere, or of another media type, is compared with its digest. A fetch that is told the
 * integrity gives nothing out before its end; so it is told only where the page may not use
 * WebCrypto.
 * @param {Asset} asset
 * @param {Get} get
 * @param {() => void} onProgress is called for each piece
 * @param {boolean} isOwn
 */
async function compileWhole(asset, get, onProgress, isOwn) {
  const response = await get(asset.url, isOwn || crypto.subtle ? {} : asset);
  if (!isOwn || response.headers.get("Content-Type") !== "application/wasm") {
    return (await import("./checked.js")).compileChecked(asset, response, onProgress);
  }
  let bytes = 0;
  // Each piece comes into the same memory, where the browser has it: pieces of their own would
  // all stay until a collection. A piece is asked for once the one before has been read.
  let memory = new ArrayBuffer(65536);
  const body = /** @type {any} */ (response.body);
  /** @type {any} */
  let reader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    reader = body.getReader();
  }
  const counted = new ReadableStream({
    async pull(out) {
      const { done, value } = await reader.read(new Uint8Array(memory));
      if (done) return out.close();
      memory = value.buffer;
      bytes += value.length;
      onProgress();
      out.enqueue(value);
    },
    cancel: () => reader.cancel(),
  }, { highWaterMark: 0 });
  const module = await WebAssembly.compileStreaming(new Response(counted, response));
  if (asset.bytes && bytes !== asset.bytes) await refuse(asset);
  return module;
}

const refuse = async (/** @type {Asset} */ asset) => (await import("./checked.js")).refuse(asset);

/**
 * Runs wasm_exec.js. The checked bytes run, also if the server's next answer differs: an
 * import takes the preloaded file of its address. The backend's own is asked for once. One from
 * elsewhere, and each after a failure, is fetched beforehand: neither preload nor import can be
 * given up, and another of the same address would wait with it.
 * @param {Asset} asset
 * @param {Get} get
 * @param {string} base
 * @param {boolean} isOwn
 * @param {number} failures
 */
async function importExec(asset, get, base, isOwn, failures) {
  if (failures || !isOwn) await get(asset.url, asset);
  const hadNoProcess = !globalThis.process;
  const url = new URL(asset.url, base) + "#" + Date.now();
  const preloaded = new Promise((onload, onerror) => {
    const link = document.createElement("link");
    document.head.append(Object.assign(link, { ...asset, rel: "modulepreload", href: url, onload, onerror }));
  }).catch(() => refuse(asset));
  if (!isOwn) await preloaded;
  await Promise.all([preloaded, import(/* @vite-ignore */ /* webpackIgnore: true */ url)]);
  if (hadNoProcess) delete globalThis.process; // libraries tell by it that they run in Node
}

/**
 * Starts an instance, which finds its handle on the global object, and returns
 * a promise of its end. A trap ends it too: wasm_exec.js throws it at the
 * caller and goes on waiting.
 * @param {import("./globals.js").Go} go
 * @param {WebAssembly.Instance} instance
 * @param {object} handle
 */
export const execute = (go, instance, handle) => new Promise((resolve, reject) => {
  globalThis.__tabard = handle;
  const resume = go._resume;
  go._resume = () => {
    try {
      resume.call(go);
    } catch (cause) {
      reject(cause);
    }
  };
  go.env = { GOGC: "25" }; // Memory, and JavaScript's values that it refers to, are given up after 1 MB of garbage, not after 4.
  go.run(instance).then(resolve, reject);
  delete globalThis.__tabard;
});

/**
 * Stops the timers and promises that still refer to a dead instance.
 * @param {import("./globals.js").Go} go
 */
export function stopTimers(go) {
  go._resume = () => {};
  for (const timeout of go._scheduledTimeouts.values()) clearTimeout(timeout);
}

// A page that is looked at needs its module soon: it begins to load before the page calls.
if (import.meta.assets && servedBy && !document.hidden) compile(servedBy + manifest, servedBy, 0);

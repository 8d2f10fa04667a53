// @ts-check
// Why the files that module.json names cannot be run.

import { ask, cause, isCompressed, watchPolicy } from "./probe.js";

/** @import { Answer, Cause } from "./probe.js" */
/** @import { Asset } from "./globals.js" */

/** How long a file may take to come, in milliseconds. */
const longest = 20_000;

/**
 * @param {string} base the address of module.json
 * @param {Asset[]} assets the module and wasm_exec.js
 * @returns {Promise<Cause | undefined>}
 */
export async function causeOfAssets(base, assets) {
  for (const asset of assets) {
    const url = new URL(asset.url, base).href;
    const blocked = watchPolicy(url);
    const answer = await ask(url, {}, longest);
    const found = answer ? await causeOfFile(url, answer, asset) : await (await import("./silence.js")).causeOfSilence(url, await blocked());
    if (found) return found;
  }
  return causeOfScript(new URL(/** @type {Asset} */ (assets[1]).url, base).href);
}

/**
 * @param {string} url
 * @param {Answer} answer
 * @param {Asset} asset
 */
async function causeOfFile(url, { status, type, bytes, whole }, { integrity, bytes: size }) {
  const came = `${url} answered ${status} (${type})`;
  if (status >= 500 || status === 429) return undefined;
  if (status !== 200 || type === "text/html") return cause("module_not_found", `${came}: let the proxy${worker()} pass on all of /client/, of one release`);
  if (isCompressed(bytes)) return cause("compressed_twice", `${came}, compressed twice: let the proxy compress nothing of the backend's`);
  if (!whole || (integrity && integrity !== (await digest(bytes)))) {
    return cause("module_damaged", `${came} and ${bytes.length} bytes${size ? ` of ${size}` : ""}, which are not the file that module.json names: let the proxy${worker()} neither cut nor change it`);
  }
  if (/\.js$/.test(url) && !/javascript/.test(type)) return cause("module_wrong_type", `${came}: let the proxy leave its Content-Type text/javascript`);
}

/** A service worker that stands between as a proxy does. */
const worker = () => (globalThis.navigator?.serviceWorker?.controller ? " and the page's service worker" : "");

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function digest(bytes) {
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return "sha256-" + btoa(String.fromCharCode(...new Uint8Array(hash)));
}

/**
 * Loads a script without running it.
 * @param {string} url
 */
async function causeOfScript(url) {
  const blocked = watchPolicy(url);
  await new Promise((resolve) => {
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: url + "#" + Date.now(), onload: resolve, onerror: resolve }));
  });
  const directive = await blocked();
  if (directive) return cause("script_blocked", `the page's Content-Security-Policy does not allow the script ${url}: add ${new URL(url).origin} to its script-src`);
}

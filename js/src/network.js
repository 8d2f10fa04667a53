// @ts-check
// Why the backend's address does not answer as the backend does.

import { ask, cause, isCompressed, watchPolicy } from "./probe.js";

/** @import { Answer, Cause } from "./probe.js" */

/** Loads the questions that are asked where no answer comes. */
const causeOfSilence = async (/** @type {string} */ url, /** @type {string} */ directive) => (await import("./silence.js")).causeOfSilence(url, directive);

/** The places to look at where something else answers. */
function cureOfAddress() {
  const worker = globalThis.navigator?.serviceWorker?.controller;
  const base = document.querySelector?.("base[href]");
  return "check the client's backend, and what the proxy or the development server passes on" +
    (worker ? `, and let the service worker ${worker.scriptURL} leave it alone` : "") +
    (base ? `; the page's <base href> is ${document.baseURI}` : "");
}

/**
 * The description of an answer that is not the backend's, or not of that path. One of a server that
 * fails or is busy says nothing.
 * @param {string} asked
 * @param {Answer} answer
 * @returns {Cause | undefined}
 */
function causeOfAnswer(asked, { status, type, url, redirected, password, bytes, json }) {
  const came = `${asked} answered ${status} (${type})`;
  const cure = cureOfAddress();
  if (status === 511) return cause("not_the_backend", `${came}: sign in to this network first`);
  if (status >= 500 || status === 429) return undefined;
  if (password) return cause("password_before_backend", `${came}: let the proxy pass it on without a password`);
  if (redirected) return cause("backend_redirected", `${came}, redirected to ${url}: let the proxy pass it on as it is`, { address: true });
  if (json?.error === "not_found") {
    return cause("path_not_found", `${came} by a backend at another path: let the proxy pass the path on, or change the public URL`, { address: true });
  }
  if (isCompressed(bytes)) return cause("compressed_twice", `${came}, compressed twice: let the proxy compress nothing of the backend's`);
  if (status === 404) return cause("backend_not_found", `${came}: ${cure}`, { address: true });
  if (status >= 400 || !json) return cause("not_the_backend", `${came}, not by the backend: ${cure}`, { address: true });
}

/**
 * Why the module cannot be loaded.
 * @param {string} url of module.json
 * @param {boolean} isStalled whether no data arrives, as long as the browser asks for a password
 * @returns {Promise<Cause | undefined>}
 */
export async function causeOfModule(url, isStalled) {
  if (!/^https?:/.test(url)) return cause("wrong_protocol", `${url} is no address of a server: begin the client's backend with https://, http:// or /`);
  const blocked = watchPolicy(url);
  const answer = await ask(url, isStalled ? { credentials: "omit" } : {});
  if (isStalled) return answer?.password ? causeOfAnswer(url, answer) : undefined;
  if (!answer) return causeOfSilence(url, await blocked());
  const { wasm, exec } = answer.json ?? {};
  if (answer.status !== 200 || !answer.json) return causeOfAnswer(url, answer);
  if (!wasm?.url || !exec?.url) return cause("not_the_backend", `${url} names no module: ${cureOfAddress()}`, { address: true });
  return (await import("./assets.js")).causeOfAssets(url, [wasm, exec]);
}

/**
 * Why a module that runs gets no answer.
 * @param {string} backend
 * @returns {Promise<Cause | undefined>}
 */
export async function causeOfBackend(backend) {
  const blocked = watchPolicy(backend);
  const url = backend + "/session?quiet=1";
  const answer = await ask(url, { credentials: "omit" });
  if (answer) return isRefusal(answer) ? causeOfPost(backend) : causeOfAnswer(url, answer);
  const silence = await causeOfSilence(url, await blocked());
  const isThere = (silence?.passing || silence?.code === "cors_blocked") && (await ask(backend + "/.well-known/jwks.json"))?.status === 200;
  if (!isThere) return silence?.passing ? undefined : silence;
  return cause("origin_not_allowed", `${backend} answers no page of ${location.origin}: add this origin to the app in the workspace file`);
}

/** Whether an answer is the backend's to a browser without a session. */
const isRefusal = (/** @type {Answer} */ { json }) => json?.error === "login_required";

/**
 * Why requests for tokens do not arrive where others do.
 * @param {string} backend
 */
async function causeOfPost(backend) {
  const url = backend + "/token?quiet=1";
  const headers = { "Content-Type": "application/json", "Tabard-Client": "0" };
  const answer = await ask(url, { method: "POST", credentials: "omit", headers, body: "{}" });
  if (answer) return answer.json?.error ? undefined : causeOfAnswer("POST " + url, answer);
  if (new URL(url).origin === location.origin) return undefined;
  return cause("preflight_blocked", `the browser's OPTIONS ${url} was not answered by the backend: let the proxy pass it on`);
}

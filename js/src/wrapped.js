// @ts-check
// What a script of the page has made of fetch. It is loaded where one has replaced it, when
// something fails and before a sign-in.

import { cause, patience } from "./probe.js";

/** @import { Cause } from "./probe.js" */

/**
 * @typedef {{method: string, body?: string}} Request
 * @typedef {{status: number, code: string}} Told how the backend answers
 */

/** The headers of requests with a body, as the client sends them. */
const headers = { "Content-Type": "application/json", "Tabard-Client": "0" };

/**
 * Compares the answers that the page's fetch gets of the backend with those that the browser gets.
 * @param {string} backend
 * @returns {Promise<Cause | undefined>}
 */
export async function causeOfFetch(backend) {
  // Without a session the first is refused, as APIs refuse, and the second is by its body: neither changes anything.
  const problem = (await compare(backend + "/session", { method: "GET" })) ?? (await compare(backend + "/token", { method: "POST", body: "?" }));
  if (problem) return causeOf(problem, backend);
}

/**
 * @param {string} problem
 * @param {string} backend
 */
const causeOf = (problem, backend) => cause("fetch_replaced", `a script of the page has replaced fetch, and its own ${problem}: let it pass requests to ${backend} and their answers on as they are`);

/** How the one problem begins that a sign-in cannot mend. */
const dropped = "drops the cookie";

/** When the tab last left for a sign-in. */
const item = "tabard:sign-in:";

/**
 * Throws where the tab came back from a sign-in some minutes ago and is signed out, for the page's fetch
 * drops the cookie of the session: another sign-in would be of no use, and the next, for ever.
 * @param {Pick<import("./calls.js").Context, "TabardError" | "backend"> & {store: {state: {status: string}}}} context
 */
export async function requireCookie({ TabardError, backend, store }) {
  try {
    const left = Number(sessionStorage.getItem(item));
    sessionStorage.setItem(item, String(Date.now()));
    if (store.state.status !== "signed_out" || Date.now() - left > 600_000) return;
  } catch {
    return; // Storage is blocked.
  }
  const problem = await compare(backend + "/session?quiet=1", { method: "GET" });
  if (!problem?.startsWith(dropped)) return; // a fault of the network passes
  const { code, description } = causeOf(problem, backend);
  console.error(`tabard: ${code}: ${description}`);
  throw new TabardError(/** @type {any} */ (code), "stop", description);
}

/**
 * @param {string} url
 * @param {Request} init
 * @returns {Promise<string | undefined>}
 */
async function compare(url, init) {
  const expected = await askBrowser(url, init);
  if (!expected || expected.status >= 500 || expected.status === 429) return undefined; // which say nothing of the page
  /** @type {any} */
  let answer;
  try {
    answer = await fetch(url, { ...init, headers: init.body ? headers : {}, credentials: "include", signal: AbortSignal.timeout(patience) });
  } catch (error) {
    return `fails at ${url} (${error}), which answers the browser with ${expected.status}`;
  }
  if (!(answer instanceof Response)) return `gives ${answer === undefined ? "nothing" : "something else than a Response"} for ${url}`;
  if (answer.bodyUsed) return `has read the body of the answer of ${url}, which can be read once: let it read a clone()`;
  if (answer.url && answer.url.split("#")[0] !== url) return `asks for ${answer.url} in the place of ${url}`;
  const told = await answer.text().then(codeOf, String);
  if (told === "login_required" && expected.code !== told) return `${dropped}: ${url} answers it with login_required, and the browser with ${expected.code || expected.status}`;
  if (answer.status !== expected.status || told !== expected.code) return `gets ${answer.status} ${told} for ${init.method} ${url}, for which the browser gets ${expected.status} ${expected.code}`;
}

/**
 * An answer of the backend by other means than fetch; undefined if there is none, or no such means.
 * @param {string} url
 * @param {Request} init
 * @returns {Promise<Told | undefined>}
 */
const askBrowser = (url, { method, body }) => new Promise((resolve) => {
  if (!globalThis.XMLHttpRequest) return resolve(undefined);
  const request = new XMLHttpRequest();
  request.open(method, url);
  request.withCredentials = true;
  request.timeout = patience;
  for (const [name, value] of Object.entries(body ? headers : {})) request.setRequestHeader(name, value);
  request.onloadend = () => resolve(request.status ? { status: request.status, code: codeOf(request.responseText) } : undefined);
  request.send(body);
});

/**
 * The error that an answer names; empty where it names none.
 * @param {string} text
 * @returns {string}
 */
function codeOf(text) {
  try {
    return JSON.parse(text).error ?? "";
  } catch {
    return "";
  }
}

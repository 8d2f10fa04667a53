// @ts-check
// Why the backend or its module cannot be used, where waiting does not mend it: a code, and
// one line on the console that names the request, the answer and the change to make. It
// is loaded when something fails, and loads the checks of the network when they are needed.

import { isReplaced } from "./replaced.js";

/** @import { State } from "../index.js" */
/** @import { Cause } from "./probe.js" */

/** The times after which a cause is looked for again: it is final if it is there each time. */
const pauses = [0, 1000, 2000];

/** The codes and the origins of APIs that stand on the console. */
const said = new Set();

/**
 * Writes a line on the console, once for each code.
 * @param {Cause} cause
 */
function say({ code, description }) {
  if (!said.has(code)) console.error(`tabard: ${code}: ${description}`);
  said.add(code);
}

const cause = (/** @type {string} */ code, /** @type {string} */ description) => ({ code, description });

/**
 * The restrictions of the browser itself.
 * @returns {Cause | undefined}
 */
function causeOfBrowser() {
  if (globalThis.origin === "null") return cause("page_without_origin", `${location.href.slice(0, 200)} has no origin: serve it by http, and give its sandbox allow-same-origin`);
  if (globalThis.navigator?.cookieEnabled === false) return cause("cookies_blocked", `this browser blocks cookies for ${location.host}: allow them`);
  if (globalThis.isSecureContext === false) return cause("insecure_context", `browsers keep no session for ${location.origin}: use https, or http://localhost`);
  if (typeof WebAssembly !== "object") return cause("no_webassembly", "this browser has no WebAssembly, or Lockdown Mode turns it off");
  try {
    new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  } catch {
    return cause("webassembly_blocked", "the page's Content-Security-Policy does not allow WebAssembly: add 'wasm-unsafe-eval' to its script-src");
  }
}

/**
 * The cause that is found each time, word for word.
 * @param {() => Promise<Cause | undefined>} look
 * @param {() => boolean} isOver
 */
async function lasting(look, isOver) {
  /** @type {Cause | undefined} */
  let first;
  for (const ms of pauses) {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    const found = isOver() ? undefined : await look();
    first ??= found;
    if (!found || isOver() || found.description !== first?.description) return undefined;
  }
  return first;
}

/**
 * Says a cause, with where the backend is if that is another address.
 * @param {Cause | undefined} found
 * @param {string} backend
 */
async function conclude(found, backend) {
  if (found?.address) found.description += await elsewhere(backend);
  if (found) say(found);
  return found?.passing ? undefined : found;
}

/**
 * Where the backend is instead, as the rest of a line: above the address, or at "/auth".
 * @param {string} backend
 */
async function elsewhere(backend) {
  const { origin, pathname } = new URL(backend);
  const steps = pathname.split("/").slice(1, 4);
  const above = steps.map((_, length) => [origin, ...steps.slice(0, length)].join("/")).reverse();
  for (const place of new Set([...above, location.origin + "/auth", origin + "/auth"])) {
    if (place === backend) continue;
    const found = await fetch(place + "/client/module.json", { signal: AbortSignal.timeout(5000) }).then((response) => response.json()).catch(() => null);
    if (found?.wasm) return `; a backend is at ${place}`;
  }
  return "";
}

/** The explanations under way, by address. @type {Map<string, Promise<Cause | undefined>>} */
const underWay = new Map();

/**
 * Explains why the module could not be loaded, or died.
 * @param {unknown} error a text where no data arrived: waiting may mend that, unless the browser asks for a password
 * @param {string} url of module.json
 * @param {() => boolean} isOver
 * @returns {Promise<Cause | undefined>} undefined if waiting may mend it
 */
export function explainModule(error, url, isOver) {
  const isStalled = typeof error === "string";
  const backend = url.replace(/\/client\/module\.json.*/, "");
  const look = async () => (await causeOfFetch(backend)) ?? (await import("./network.js")).causeOfModule(url, isStalled);
  const explain = async () => {
    const found = (!isStalled && causeOfBrowser()) || (await lasting(look, isOver));
    if (!found && !isOver()) console.error("tabard:", url, error);
    return conclude(found, backend);
  };
  const explanation = underWay.get(url) ?? explain().finally(() => underWay.delete(url));
  underWay.set(url, explanation);
  return explanation;
}

/**
 * The fault of the page's fetch, where a script has replaced the browser's.
 * @param {string} backend
 */
const causeOfFetch = async (backend) => (isReplaced() ? (await import("./wrapped.js")).causeOfFetch(backend) : undefined);

/**
 * Explains why a module that runs has got no answer, until it gets one.
 * @param {{state: State, subscribe(listener: (state: State) => void): () => void}} store
 * @param {string} backend
 * @param {(cause: Cause) => void} halt
 */
export async function explainState(store, backend, halt) {
  const isOver = () => store.state.status !== "unavailable";
  const { error } = store.state;
  if (error?.action === "stop") return say((await causeOfFetch(backend)) ?? cause(error.code, `${backend}: ${error.description}`));
  const look = async () => (await causeOfFetch(backend)) ?? (await import("./network.js")).causeOfBackend(backend);
  const found = await conclude(causeOfBrowser() ?? (await lasting(look, isOver)), backend);
  if (found) halt(found);
}

/** The options that other clients' names mean. */
const meant = [
  [/url|uri|issuer|domain|authority|server|endpoint|host/i, "backend"],
  [/org|tenant|slug/i, "organization"],
  [/client|application/i, "app"],
  [/api|audience|origin/i, "apis"],
  [/alive|renew|refresh/i, "keepAlive"],
  [/wasm/i, "module"],
];

/**
 * Names an option that does not exist.
 * @param {string} name
 */
export function explainOption(name) {
  if (/^\d/.test(name)) return name === "0" && console.error('tabard: createClient takes its options by name: createClient({ backend: "/auth" })');
  const found = meant.find(([pattern]) => /** @type {RegExp} */ (pattern).test(name));
  console.error(`tabard: unknown option ${name}, ignored` + (found ? `: did you mean ${found[1]}?` : ""));
}

/**
 * Says that a request went without a token, where it failed or was refused. `apis` is all origins that get one.
 * @param {string} origin
 * @param {Promise<Response>} answer
 */
export async function explainApi(origin, answer) {
  const { name, status = 401 } = await answer.catch(Object);
  if (status !== 401 || name === "AbortError" || said.has(origin)) return;
  said.add(origin);
  const cure = origin === location.origin ? "the page's own origin, which apis replaces: name it as well" : "if it is your API, name it by apis";
  console.error(`tabard: ${origin} is none of the client's apis, so that no token went there: ${cure}, as in apis: [location.origin, ${origin === location.origin ? "…" : `"${origin}"`}]`);
}

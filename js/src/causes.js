// @ts-check
// Why the backend or its module cannot be used, where waiting does not mend it: a code, and
// one line on the console that says what was asked for, what came and what to change. It
// is loaded when something fails, and imports nothing.

/** @import { State } from "../index.js" */

/**
 * @typedef {{code: string, description: string}} Cause
 * @typedef {{status: number, type: string, json: any}} Answer
 */

/** How long a question to the network may take, in milliseconds. */
const patience = 5000;

/** The times after which a cause is looked for again: it is final if it is there each time. */
const pauses = [0, 1000, 2000];

/** The codes that stand on the console. */
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
 * What the browser itself does not allow.
 * @returns {Promise<Cause | undefined>}
 */
async function causeOfBrowser() {
  if (globalThis.navigator?.cookieEnabled === false) return cause("cookies_blocked", `this browser blocks cookies for ${location.host}: allow them`);
  if (globalThis.isSecureContext === false) return cause("insecure_context", `browsers keep no session for ${location.origin}: use https, or http://localhost`);
  if (typeof WebAssembly !== "object") return cause("no_webassembly", "this browser has no WebAssembly, or Lockdown Mode turns it off");
  try {
    await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  } catch {
    return cause("webassembly_blocked", "the page's Content-Security-Policy does not allow WebAssembly: add 'wasm-unsafe-eval' to its script-src");
  }
}

/**
 * Asks for an address; undefined if no answer came that the page may read.
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<Answer | undefined>}
 */
async function ask(url, init) {
  try {
    const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(patience), ...init });
    const type = response.headers.get("Content-Type")?.split(";")[0] ?? "no type";
    return { status: response.status, type, json: await response.json().catch(() => null) };
  } catch {
    return undefined;
  }
}

/**
 * What an answer says that is not the backend's, or not of that path. One of a server that
 * fails or is busy says nothing.
 * @param {string} url
 * @param {Answer} answer
 * @param {string} cure
 * @param {string} [missing] the code, if there is nothing at the address
 */
function causeOfAnswer(url, { status, type, json }, cure, missing = "backend_not_found") {
  const came = `${url} was answered with ${status} with ${type}`;
  if (status >= 500 || status === 429) return undefined;
  if (json?.error === "not_found") return cause("path_not_found", `${came} by a backend at another path: let the proxy pass the path on, or change the public URL`);
  if (status === 404) return cause(missing, `${came}: ${cure}`);
  if (status >= 400 || !json) return cause("not_the_backend", `${came}, not by the backend: ${cure}`);
}

const cureOfAddress = "check the client's backend, and what the proxy or the development server passes on";

/**
 * Why the module cannot be loaded.
 * @param {string} url of module.json
 * @returns {Promise<Cause | undefined>}
 */
async function causeOfModule(url) {
  const blocked = watchPolicy();
  const answer = await ask(url);
  if (!answer) return causeOfSilence(url, await blocked());
  const { wasm, exec } = answer.json ?? {};
  if (answer.status !== 200 || !answer.json) return causeOfAnswer(url, answer, cureOfAddress);
  if (!wasm?.url || !exec?.url) return cause("not_the_backend", `${url} names no module: ${cureOfAddress}`);
  for (const file of [wasm.url, exec.url]) {
    const address = new URL(file, url).href;
    const sent = await ask(address, { method: "HEAD" });
    if (sent?.status === 404 || sent?.type === "text/html") {
      return cause("module_not_found", `${address} was answered with ${sent.status} with ${sent.type}: let the proxy pass on all of /client/, of one release`);
    }
  }
}

/** Watches what the page's policy blocks, and returns a function that returns the directive. Its event may come late. */
function watchPolicy() {
  let directive = "";
  document.addEventListener("securitypolicyviolation", (event) => (directive = event.effectiveDirective), { signal: AbortSignal.timeout(patience) });
  return () => new Promise((resolve) => setTimeout(() => resolve(directive)));
}

/**
 * @param {string} url
 * @param {string} directive that blocked it
 */
function causeOfSilence(url, directive) {
  const { protocol, origin } = new URL(url);
  if (directive) return cause("connection_blocked", `the page's Content-Security-Policy does not allow ${url}: add ${origin} to its ${directive} and script-src`);
  if (location.protocol > protocol) return cause("mixed_content", `a page on https may not ask for ${url}: use https`);
}

/**
 * Why a module that runs gets no answer.
 * @param {string} backend
 * @returns {Promise<Cause | undefined>}
 */
async function causeOfBackend(backend) {
  const url = backend + "/session?quiet=1";
  const blocked = watchPolicy();
  const answer = await ask(url, { credentials: "omit" });
  if (answer) return answer.json?.error === "login_required" ? undefined : causeOfAnswer(url, answer, cureOfAddress);
  const silence = causeOfSilence(url, await blocked());
  if (silence || new URL(backend).origin === location.origin || (await ask(backend + "/.well-known/jwks.json"))?.status !== 200) return silence;
  return cause("origin_not_allowed", `${backend} answers no page of ${location.origin}: add this origin to the app in the workspace file`);
}

/**
 * The cause that is found each time.
 * @param {() => Promise<Cause | undefined>} look
 * @param {() => boolean} isOver
 */
async function lasting(look, isOver) {
  /** @type {Cause | undefined} */
  let found;
  for (const ms of pauses) {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    found = isOver() ? undefined : await look();
    if (!found || isOver()) return undefined;
  }
  return found;
}

/** The explanations under way, by address. @type {Map<string, Promise<Cause | undefined>>} */
const underWay = new Map();

/**
 * Explains why the module could not be loaded, or died.
 * @param {unknown} error a text where no data arrived: waiting may mend that
 * @param {string} url of module.json
 * @param {() => boolean} isOver
 * @returns {Promise<Cause | undefined>} undefined if waiting may mend it
 */
export function explainModule(error, url, isOver) {
  const explain = async () => {
    if (typeof error === "string") return void console.error("tabard:", error); // which a page may have replaced
    const found = (await causeOfBrowser()) ?? (await lasting(() => causeOfModule(url), isOver));
    if (found) say(found);
    else if (!isOver()) console.error("tabard:", url, error);
    return found;
  };
  const explanation = underWay.get(url) ?? explain().finally(() => underWay.delete(url));
  underWay.set(url, explanation);
  return explanation;
}

/**
 * Explains why a module that runs has got no answer, until it gets one.
 * @param {{state: State, subscribe(listener: (state: State) => void): () => void}} store
 * @param {string} backend
 * @param {(cause: Cause) => void} halt
 */
export async function explainState(store, backend, halt) {
  const isOver = () => store.state.status !== "unavailable";
  const { error } = store.state;
  const found = error?.action === "stop" ? cause(error.code, `${backend}: ${error.description}`) : await lasting(() => causeOfBackend(backend), isOver);
  if (!found) return;
  say(found);
  if (error?.action !== "stop") halt(found);
}

// @ts-check
// Windows of their own, in which a person authenticates while the page stays as it is. It is
// loaded when it is used, and has no imports: its needs are handed to it.

/** @import { StepUpOptions } from "../index.js" */
/** @import { Challenge, Claims, Context, Step } from "./stepup.js" */

/** @typedef {(credential: string) => Claims} ClaimsOf */

/**
 * A page's wait while a window is open. `look` is called when something may have
 * happened, with true where the window says that it is done: it returns whether it is.
 * @typedef {{
 *   look(done: boolean): Promise<boolean>,
 *   problem(code: string, description: string): Error,
 *   signal: AbortSignal,
 * }} Wait
 */

/** How long a page waits for a window of its own. */
const patience = 600_000;

/**
 * Whether a token meets a challenge. Its age is counted when it is minted, by the server's
 * clock; whoever authenticated since the step-up began did so recently enough.
 * @param {Claims} claims
 * @param {Challenge} challenge
 * @param {Claims} before those of the token before
 * @param {number} began
 */
function meets({ acr = "", auth_time: at = 0, iat = 0 }, { acrValues, maxAge }, before, began) {
  const waited = (performance.now() - began) / 1000 + 1;
  if (acrValues.length > 0 && !acrValues.includes(acr)) return false;
  if (maxAge !== undefined) return at > 0 && iat - at <= Math.max(maxAge, waited);
  return acrValues.length > 0 || at > (before.auth_time ?? 0);
}

/**
 * Waits for a token that meets the challenge while the person authenticates in a window of
 * its own.
 * @param {Step} step
 * @param {ClaimsOf} claimsOf
 * @param {Claims} before
 * @param {string} address
 * @param {StepUpOptions} options
 * @param {Window} popup
 */
export async function stepUp({ context, challenge, problem }, claimsOf, before, address, { popup: file, signal }, popup) {
  const began = performance.now();
  await open(context, popup, file, (end) => context.ask("stepUpURL", before.org_id ?? "", address, end), {
    async look(done) {
      const claims = await renewed(context, claimsOf);
      if (claims && meets(claims, challenge, before, began)) return true;
      if (!done) return false;
      throw new context.TabardError("unmet_authentication_requirements", "stop", "the new authentication is not what was asked for");
    },
    problem,
    signal: AbortSignal.any([context.scope().signal, ...(signal ? [signal] : [])]),
  });
}

/**
 * Opens the provider in a window, and waits. The window's closed and opener do not help: the
 * backend's pages isolate themselves from other windows.
 * @param {Context} context
 * @param {Window} popup
 * @param {unknown} file where the window ends: true, or the address of popup.html
 * @param {(end: string) => Promise<string>} begin returns the provider's address
 * @param {Wait} wait
 */
export async function open(context, popup, file, begin, wait) {
  popup.opener = null;
  popup.resizeTo?.(480, 720);
  const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const end = new URL(file === true ? context.backend + "/client/popup.html" : String(file), document.baseURI);
  if (end.origin !== location.origin) {
    throw new TypeError(`popup must be the address of the package's popup.html on ${location.origin}, not on ${end.origin}`);
  }
  end.hash = String(new URLSearchParams({ id, key: keyOf(context) }));
  const left = new AbortController();
  const waiting = listen(context, id, { ...wait, signal: AbortSignal.any([wait.signal, left.signal]) });
  waiting.catch(() => {});
  try {
    popup.location.replace(await known(begin(end.href), wait.problem));
    await waiting;
  } finally {
    left.abort();
  }
  popup.close();
}

/**
 * The result of a function of the module's. A module of an earlier release may not have it.
 * @template Result
 * @param {Promise<Result>} call
 * @param {Wait["problem"]} problem
 */
export const known = (call, problem) => call.catch((error) => {
  throw error instanceof TypeError ? problem("popup_unsupported", "the backend is of an earlier release, without windows of their own: leave the page by continue()") : error;
});

/**
 * Looks whenever something may have happened: by the channel, which other tabs use too, by
 * storage, and when the person looks at the page.
 * @param {Context} context
 * @param {string} id of the window
 * @param {Wait} wait
 * @returns {Promise<void>}
 */
const listen = (context, id, { look, problem, signal }) => new Promise((resolve, reject) => {
  signal.throwIfAborted();
  const closing = new AbortController();
  const end = (/** @type {() => void} */ settle) => {
    closing.abort();
    settle();
  };
  const fail = (/** @type {unknown} */ error) => end(() => reject(error));
  /** @type {Promise<void> | undefined} */
  let looking;
  const lookOnce = async (done = false) => closing.signal.aborted || (looking ??= look(done).then((met) => {
    looking = undefined;
    if (met) end(resolve);
  }, fail));
  const hear = async (/** @type {any} */ message) => {
    const mine = message?.stepUp === id;
    if (mine && message.error) return fail(problem(message.error, "the window was closed without an authentication"));
    if (!mine && !/^look again/.test(message)) return;
    while (looking) await looking; // it may have been under way before the message
    await lookOnce(mine);
  };
  /** @type {(target: EventTarget, type: string, listener: (event: any) => void) => void} */
  const on = (target, type, listener) => target.addEventListener(type, listener, { signal: closing.signal });
  try {
    const channel = new BroadcastChannel(keyOf(context));
    channel.onmessage = ({ data }) => hear(data);
    closing.signal.addEventListener("abort", () => channel.close());
  } catch {
    // There is none: storage and focus remain.
  }
  on(window, "storage", ({ key, newValue }) => {
    if (key?.startsWith(keyOf(context) + ":epoch")) hear("look again");
    if (key === keyOf(context) + ":step-up" && newValue) hear(JSON.parse(newValue));
  });
  on(window, "focus", () => lookOnce());
  on(document, "visibilitychange", () => lookOnce());
  on(signal, "abort", () => fail(signal.reason));
  const limit = setTimeout(() => fail(problem("step_up_timeout", "the window was open for longer than ten minutes")), patience);
  closing.signal.addEventListener("abort", () => clearTimeout(limit));
});

/** The client's name for its channel and its items in storage. */
const keyOf = (/** @type {Context} */ { backend }) => "tabard:" + backend;

/**
 * The claims of a token that is minted now; undefined if there is none for the moment.
 * @param {Context} context
 * @param {ClaimsOf} claimsOf
 * @returns {Promise<Claims | undefined>}
 */
async function renewed({ credential }, claimsOf) {
  try {
    return claimsOf(await credential((await credential()).replace(/^DPoP /, ""), "keep"));
  } catch (/** @type {any} */ error) {
    if (error?.action !== "retry") throw error;
  }
}

// @ts-check
// The sign-in in a window of its own. It is loaded when it is used, and imports no part of
// the client, which may be of another release: its needs are handed to it.

/** @import { SignInOptions } from "../index.js" */

/** @typedef {import("./stepup.js").Context & Pick<import("./calls.js").Context, "loading"> & {store: import("./store.js").Store, popup: Window | null}} Context */

/**
 * Whether another site frames the page: the browser sends no session from there.
 * @param {Window} frame
 * @returns {boolean}
 */
function isFramed(frame = window) {
  if (!frame.parent || frame.parent === frame) return false;
  try {
    return frame.parent.location.origin !== location.origin || isFramed(frame.parent);
  } catch {
    return true;
  }
}

/**
 * Lets the person sign in in a window of its own, and the tab go on as the person who did.
 * In a frame of another site the window is the page itself, for the person to go on in.
 * @param {Context} context
 * @param {SignInOptions} options own properties
 * @param {(options: SignInOptions) => Promise<void>} leave signs in by leaving the page
 */
export async function signIn(context, options, leave) {
  const { popup } = context;
  const problem = (/** @type {any} */ code, /** @type {string} */ description) => {
    const error = new context.TabardError(code, "sign_in", description);
    error.continue = ({ returnTo } = {}) => leave({ ...options, returnTo: returnTo ?? options.returnTo });
    return error;
  };
  if (options.account) throw new TypeError("a sign-in for an account leaves the page: call it without popup");
  if (!popup) throw problem("popup_blocked", "the browser blocked the window: call this in a click, or leave the page by continue()");
  try {
    popup.opener = null;
    if (isFramed()) popup.location.replace(new URL(options.returnTo ?? location.href, location.href));
    else await inWindow(context, options, popup, problem);
  } catch (error) {
    popup.close();
    throw error;
  }
}

/**
 * @param {Context} context
 * @param {SignInOptions} options
 * @param {Window} popup
 * @param {(code: any, description: string) => Error} problem
 */
async function inWindow(context, options, popup, problem) {
  const { organization = "", prompt = "", loginHint = "", email = "", staySignedIn, popup: file, signal } = options;
  const session = staySignedIn === undefined ? "" : String(!staySignedIn);
  const given = Object.entries({ organization, prompt, login_hint: loginHint, session_cookie: session }).filter(([, value]) => value);
  const address = "/login?" + new URLSearchParams([["user", ""], ...given]); // anybody may sign in
  const { store } = context;
  const signedOut = store.state.status === "signed_out";
  const elsewhere = () => signedOut && !["signed_out", "starting"].includes(store.state.status);
  const closing = new AbortController();
  const stop = store.subscribe(() => elsewhere() && closing.abort());
  try {
    const { known, open } = await import("./window.js");
    const begin = async (/** @type {string} */ end) =>
      (await early(context, organization, end, [prompt, loginHint, email, session])) || context.ask("stepUpURL", "", address, end, email);
    await open(context, popup, file, begin, {
      look: async (done) => done || elsewhere(),
      problem,
      signal: AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]),
    });
    await known(context.ask("signedIn", organization), problem);
    if (store.state.status === "signed_out") throw problem("login_required", "the browser kept no session of the sign-in");
  } catch (error) {
    if (!closing.signal.aborted || signal?.aborted) throw error;
    popup.close(); // another tab has signed in
  } finally {
    stop();
  }
}

/**
 * The address of a sign-in that does not wait for the module; undefined if it must.
 * @param {Context} context
 * @param {string} organization
 * @param {string} end
 * @param {string[]} hints
 */
async function early(context, organization, end, hints) {
  const config = context.loading?.();
  const chunk = config && (await import("./early.js").catch(() => undefined));
  return chunk && chunk.addressOf?.(context, config, organization, end, hints);
}

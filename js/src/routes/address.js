// @ts-check
// The page's address and its history, by the Navigation API where the browser
// has one, else by the History API.

/**
 * An entry of the history that was shown.
 * @typedef {{url: string, state: unknown, key: string | undefined}} Entry
 */

/**
 * @typedef {{
 *   changed(): void,
 *   returned(): void,
 *   isNew(): boolean,
 * }} Watcher
 */

/** The Navigation API, where there is one. @returns {Navigation | undefined} */
const navigation = () => globalThis.navigation;

/** @returns {Entry} */
export const currentEntry = () => ({ url: location.href, state: history.state, key: navigation()?.currentEntry?.key });

/**
 * Whether the page's router may have put an entry there: one that marks its entries marks each.
 * @param {Entry} entry
 * @param {Entry} before an entry of the router's
 */
export const isOfRouter = ({ state }, before) => state !== null || before.state === null;

/** Those who watch the address. @type {Set<Watcher>} */
const watchers = new Set();

/** Whether the address has changed and the page's router has not answered yet, or is going back. */
let pending = false;

/** Settles when a router that refused is back. */
let back = Promise.resolve();

/** Whether the page went to another address while a router was going back. */
let wentOn = false;

/** Whether the address is not yet, or no more, one that the page's router keeps. */
export const isPending = () => pending;

/**
 * Calls `changed` when the address has changed within the page, and the page's router keeps
 * the change, and `returned` when a router that refused a change has gone back. The History API
 * tells only of back and forward; a page's changes by pushState it tells itself. `isNew` is
 * whether the address is one that was not dealt with.
 * @param {Watcher} watcher
 * @param {AbortSignal} signal ends the watching
 */
export function watch(watcher, signal) {
  const { changed } = watcher;
  watchers.add(watcher);
  signal.addEventListener("abort", () => watchers.delete(watcher));
  if (!navigation()) watchRefusals(watcher, signal);
  window.addEventListener("popstate", () => pending || changed(), { signal });
  navigation()?.addEventListener("currententrychange", ({ navigationType, from }) => {
    if (navigationType === "traverse") onTraverse(from);
    else if (pending) wentOn = true;
    else changed();
  }, { signal });
}

const tellChanged = () => watchers.forEach(({ changed }) => changed());

/**
 * The popstate event comes next: a listener added now is the last to be called.
 * @param {NavigationHistoryEntry} from
 */
function onTraverse(from) {
  if (pending) return;
  const answer = detectRefusal(Math.sign((navigation()?.currentEntry?.index ?? 0) - from.index));
  let answered = false;
  const end = () => {
    if (answered) return;
    answered = true;
    if (!answer()) tellChanged();
  };
  window.addEventListener("popstate", end, { once: true });
  setTimeout(end); // where another listener kept the event for itself
}

/**
 * Notices whether the router goes back at once when it hears of an address, as React
 * Router does for a blocker. The returned function ends the noticing, and tells.
 * @param {number} [ahead] the direction in the history in which the address changed: going on in it is no refusal
 */
function detectRefusal(ahead) {
  let refused = false;
  pending = true;
  const end = onGo((delta) => (refused ||= Math.sign(delta) !== ahead));
  return () => {
    end();
    if (refused) back = waitForReturn();
    else pending = false;
    return refused;
  };
}

/**
 * Notices the same where the browser has no Navigation API: there the router may hear of Back
 * first, and tell that the address has changed before it is the old one again.
 * @param {Watcher} watcher
 * @param {AbortSignal} signal
 */
function watchRefusals({ isNew }, signal) {
  signal.addEventListener("abort", onGo(() => {
    if (pending || !isNew()) return;
    pending = true;
    back = waitForReturn();
  }));
}

/**
 * Calls back when a script goes back or forward by history.go. The returned function ends that.
 * @param {(delta: number) => void} called
 */
function onGo(called) {
  const own = Object.getOwnPropertyDescriptor(history, "go");
  const { go } = history;
  history.go = (delta) => {
    called(delta ?? 0);
    go.call(history, delta);
  };
  return () => {
    Reflect.deleteProperty(history, "go");
    if (own) Object.defineProperty(history, "go", own);
  };
}

/** Waits until the address is the old one again. */
async function waitForReturn() {
  wentOn = false;
  await new Promise((resolve) => {
    window.addEventListener("popstate", resolve, { once: true });
    setTimeout(resolve, 1000); // another navigation may have come in its place
  });
  pending = false;
  if (wentOn) tellChanged();
  else watchers.forEach(({ returned }) => returned());
}

/**
 * Changes the address, and tells the page's router as back and forward do. Where the router
 * refuses, it waits until the address is the old one again.
 * @param {string} url
 * @param {boolean} [replace]
 * @param {unknown} [state]
 */
export async function change(url, replace, state) {
  await back;
  const answer = detectRefusal();
  let refused = false;
  try {
    state ??= numberedState(replace);
    if (replace) history.replaceState(state, "", url);
    else history.pushState(state, "", url);
    window.dispatchEvent(new PopStateEvent("popstate", { state }));
  } finally {
    refused = answer();
  }
  if (refused) await back;
  else tellChanged();
}

/**
 * The state of a new entry: React Router asks its blockers only about entries that it has
 * numbered.
 * @param {boolean} [replace]
 */
function numberedState(replace) {
  const idx = history.state?.idx;
  return replace || typeof idx !== "number" ? null : { idx: idx + 1 };
}

/**
 * Asks the app's router for an address, and waits for the result. A router that does
 * not tell when it is done has a moment.
 * @param {() => unknown} navigate
 * @param {string} url
 */
export async function request(navigate, url) {
  const before = location.href;
  try {
    const answer = navigate();
    if (answer) await answer;
    else for (let i = 0; i < 20 && location.href === before && url !== before; i++) await pause(50);
  } catch (/** @type {any} */ error) {
    if (error?.name !== "AbortError") reportError(error); // another navigation came in its place
  }
}

/**
 * Goes back to an entry. Where the browser cannot tell where in the history that
 * is, or has it no more, the present entry becomes it.
 * @param {Entry} entry
 */
export async function restore({ url, state, key }) {
  await revisit(key, () => change(url, true, state));
}

/**
 * Goes to another entry of the history; where the browser has it no more, or cannot tell where it
 * is, by another way.
 * @param {string | undefined} key
 * @param {() => unknown} otherwise
 */
export const revisit = (key, otherwise) =>
  traverse(key)?.catch((error) => (error?.name === "AbortError" ? undefined : otherwise())) ?? otherwise();

/**
 * Goes to another entry of the history, until the page's router has heard of it; undefined where
 * the browser cannot tell where it is.
 * @param {string | undefined} key
 */
function traverse(key) {
  if (key === undefined || key === navigation()?.currentEntry?.key || !navigation()?.entries().some((entry) => entry.key === key)) return undefined;
  const heard = new Promise((resolve) => window.addEventListener("popstate", resolve, { once: true }));
  const { committed, finished } = /** @type {Navigation} */ (navigation()).traverseTo(key);
  finished?.catch(() => {}); // an interceptor may fail; the address is there
  return Promise.all([committed, Promise.race([heard, pause(1000)])]).then(() => pause()); // for guards that answer later
}

/**
 * Leads a router that is at the present address back to an entry.
 * @param {Entry} entry
 */
export async function leadBack(entry) {
  await pause(); // a router that hears of the present address later than this would stay there
  await restore(entry);
  await pause();
}

/** Leads a router back that has gone ahead of the address, which was not let change. */
export async function recall() {
  await undefined; // the router finishes its work
  window.dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
  await pause();
}

/**
 * Whether a question is still open after a moment.
 * @param {Promise<unknown>} question
 */
export async function isOpen(question) {
  const open = Symbol();
  return (await Promise.race([question, pause(100).then(() => open)])) === open;
}

/** @param {number} [milliseconds] @returns {Promise<void>} */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

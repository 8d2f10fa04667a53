// @ts-check
// The page's address and its history, by the Navigation API where the browser
// has one, else by the History API.

/**
 * An entry of the history that was shown.
 * @typedef {{url: string, state: unknown, key: string | undefined}} Entry
 */

/** The Navigation API, where there is one. @returns {Navigation | undefined} */
const navigation = () => globalThis.navigation;

/** @returns {Entry} */
export const here = () => ({ url: location.href, state: history.state, key: navigation()?.currentEntry?.key });

/**
 * Calls back when the address may have changed within the page. The History API
 * tells only of back and forward; what a page does by pushState it tells itself.
 * @param {() => void} changed
 * @param {AbortSignal} signal ends the watching
 */
export function watch(changed, signal) {
  window.addEventListener("popstate", changed, { signal });
  navigation()?.addEventListener("currententrychange", changed, { signal });
}

/**
 * Changes the address, and tells the page's router as back and forward do.
 * @param {string} url
 * @param {boolean} [replace]
 * @param {unknown} [state]
 */
export function change(url, replace, state = null) {
  if (replace) history.replaceState(state, "", url);
  else history.pushState(state, "", url);
  window.dispatchEvent(new PopStateEvent("popstate", { state }));
}

/**
 * Goes back to an entry. Where the browser cannot tell where in the history that
 * is, or has it no more, the present entry becomes it.
 * @param {Entry} entry
 */
export function restore({ url, state, key }) {
  const found = key !== undefined && key !== navigation()?.currentEntry?.key && navigation()?.entries().some((entry) => entry.key === key);
  const replaced = () => change(url, true, state);
  if (!found) return replaced();
  const { committed, finished } = /** @type {Navigation} */ (navigation()).traverseTo(key);
  finished?.catch(() => {}); // whoever intercepts it may fail; the address is there
  committed?.catch((error) => error?.name !== "AbortError" && replaced());
}

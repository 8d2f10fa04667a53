// @ts-check
// Hears of a change of address before the page's router does, so that it can wait.

import { recall, revisit } from "./address.js";

/**
 * Whether an address waits for the person's answer. `navigate` goes there afterward, and `back` leads
 * a router back that is ahead of the address.
 * @typedef {(url: URL, navigate: () => unknown, back?: () => Promise<void>) => boolean} Hold
 */

/**
 * From now on links, back, forward and the router wait where they have to.
 * @param {Hold} hold
 * @param {import("./router.js").Router} router
 * @param {AbortSignal} signal
 */
export function intercept(hold, router, signal) {
  interceptClicks(hold, signal);
  interceptNavigations((url, { navigationType, destination: { key } }) => {
    if (navigationType === "traverse") return hold(url, () => revisit(key, () => router.navigate(url.href, false)));
    return hold(url, () => router.navigate(url.href, navigationType === "replace"), recall);
  }, signal);
}

/**
 * Lets links wait. Afterward the press is repeated, so that the app and its router deal with it
 * as ever.
 * @param {Hold} hold
 * @param {AbortSignal} signal
 */
function interceptClicks(hold, signal) {
  window.addEventListener("click", (event) => {
    const path = event.composedPath();
    const link = path.find((target) => target instanceof HTMLAnchorElement && target.href);
    if (path.some(isSwitcher) || !(link instanceof HTMLAnchorElement) || !staysInTab(event, link)) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !hold(url, () => (link.isConnected ? link.click() : location.assign(url)))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true, signal });
}

/** The switcher switches the client, which asks. @param {EventTarget} target */
const isSwitcher = (target) => target instanceof HTMLElement && target.localName === "tabard-switcher";

/**
 * @param {MouseEvent} event
 * @param {HTMLAnchorElement} link
 */
const staysInTab = ({ button, ctrlKey, metaKey, shiftKey, altKey }, link) =>
  button === 0 && !ctrlKey && !metaKey && !shiftKey && !altKey && (!link.target || link.target === "_self") && !link.hasAttribute("download");

/**
 * Lets back, forward and what a router pushes wait, where the browser has the Navigation API and
 * the person has pressed something in the page.
 * @param {(url: URL, event: NavigateEvent) => boolean} hold whether to wait
 * @param {AbortSignal} signal
 */
function interceptNavigations(hold, signal) {
  globalThis.navigation?.addEventListener("navigate", (event) => {
    if (event.cancelable && event.destination.sameDocument && hold(new URL(event.destination.url), event)) event.preventDefault();
  }, { signal });
}

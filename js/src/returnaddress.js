// @ts-check
// Where a sign-in comes back to, and what it came back with. It carries short addresses alone:
// what longer ones need is loaded when there is one.

import { absolute, errorParameter, takeParameter } from "./page.js";

/** The parameter that names what waits: the digest of an address. */
export const parameter = "tabard_return";

/** The longest address that a sign-in is sure to carry. */
export const maxLength = 200;

/**
 * Uses the item that says that the tab has left for a sign-in, unless storage is blocked.
 * @param {"getItem" | "setItem" | "removeItem"} method
 * @param {...string} args
 */
const left = (method, ...args) => {
  try {
    return /** @type {any} */ (sessionStorage)[method]("tabard:return:", ...args);
  } catch {}
};

/** Ends the return from a sign-in. */
export const endReturn = () => left("removeItem");

/**
 * The address for a sign-in to come back to.
 * @param {string | URL} [url] default: the page's own
 */
export async function returnAddress(url) {
  const target = absolute(url);
  left("setItem", "1");
  if (target.href.length <= maxLength || target.origin !== location.origin) return target.href;
  return import("./returnto.js").then((chunk) => chunk.keep(target, parameter, maxLength), () => target.origin);
}

/**
 * Reads how a sign-in ended that the tab left for, and goes on to the address that waits for
 * the page, if one does. What an address says without a sign-in is somebody else's text, and
 * ignored.
 */
export function takeArrival() {
  const code = takeParameter(errorParameter);
  const arrival = code && left("getItem") ? code : undefined;
  const digest = takeParameter(parameter);
  if (digest) import("./returnto.js").then((chunk) => chunk.resume(digest, arrival, () => left("setItem", "1")), () => {});
  return arrival;
}

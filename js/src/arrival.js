// @ts-check
// The result with which a sign-in came back.

import { takeParameter } from "./page.js";

/**
 * Uses the item that says that the tab has left for a sign-in, unless storage is blocked.
 * @param {"getItem" | "setItem" | "removeItem"} method
 * @param {...string} args
 */
export const left = (method, ...args) => {
  try {
    return /** @type {any} */ (sessionStorage)[method]("tabard:return:", ...args);
  } catch {}
};

/**
 * Reads how a sign-in ended that the tab left for, and goes on to the address that waits for
 * the page, if one does. What an address says without a sign-in is somebody else's text, and
 * ignored.
 */
export function takeArrival() {
  const code = takeParameter("error");
  const arrival = code && left("getItem") ? code : undefined;
  const digest = takeParameter("return");
  if (digest) import("./returnto.js").then((chunk) => chunk.resume(digest, arrival, () => left("setItem", "1")), () => {});
  return arrival;
}

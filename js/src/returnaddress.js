// @ts-check
// Where a sign-in comes back to. It carries short addresses alone: what longer ones need is
// loaded when there is one.

import { absolute, takeParameter } from "./page.js";

/** The parameter that names what waits: the digest of an address. */
export const parameter = "tabard_return";

/** The longest address that a sign-in is sure to carry. */
export const maxLength = 200;

/**
 * The address for a sign-in to come back to.
 * @param {string | URL} [url] default: the page's own
 */
export async function returnAddress(url) {
  const target = absolute(url);
  if (target.href.length <= maxLength || target.origin !== location.origin) return target.href;
  return (await import("./returnto.js")).keep(target, parameter, maxLength);
}

/**
 * Goes on to the address that waits for the page, if one does.
 * @param {string} [error] what the sign-in came back with, which goes along
 */
export function resumeReturn(error) {
  const digest = takeParameter(parameter);
  if (digest) import("./returnto.js").then((chunk) => chunk.resume(digest, error));
}

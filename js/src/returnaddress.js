// @ts-check
// Where a sign-in comes back to. It carries short addresses alone: the code for longer ones is
// loaded when there is one.

import { left } from "./arrival.js";
import { absolute } from "./page.js";

/** The parameter that names the address that waits: the digest of an address. */
const parameter = "tabard_return";

/** The longest address that a sign-in is sure to carry. */
const maxLength = 200;

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
 * Where a way to the provider comes back to. Where routes are followed, that is an address of the
 * organization that it is for: at another one's the tab would act for that.
 * @param {{change?: import("./routes/hook.js").Switch | undefined, popup?: Window | null | undefined}} context
 * @param {string} organization
 * @param {string | URL} [url]
 * @returns {string | URL | undefined}
 */
export function addressIn({ change, popup }, organization, url) {
  try {
    return (organization && change?.address?.(organization, url)) || url;
  } catch (error) {
    popup?.close();
    throw error;
  }
}

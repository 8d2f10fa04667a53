// @ts-check
// Return addresses that are too long for a sign-in to carry: they wait in the tab's own
// storage, and the sign-in comes back to a page that goes on to one. It is loaded when it is
// used.

/** The parameter by which a sign-in that failed says why. */
const errorParameter = "tabard_error";

const key = (/** @type {string} */ digest) => "tabard:return:" + digest;

/**
 * Keeps an address of the page's origin, and returns the one for a sign-in to come back to.
 * @param {URL} target
 * @param {string} parameter that names the address that waits
 * @param {number} maxLength of the address that a sign-in carries
 */
export async function keep(target, parameter, maxLength) {
  const start = new URL(target.pathname.length <= maxLength ? target.pathname : "/", target);
  try {
    const digest = await digestOf(target.href);
    sessionStorage.setItem(key(digest), target.href);
    start.searchParams.set(parameter, digest);
  } catch {
    // Storage is blocked: the page itself has to do.
  }
  return start.href;
}

/**
 * Goes on to the address that waits for the page, if one does: one of its own origin, whose
 * digest the sign-in carried.
 * @param {string} digest
 * @param {string | undefined} error of the sign-in, which goes along
 * @param {() => void} mark records that the next page is the sign-in's return
 */
export async function resume(digest, error, mark) {
  try {
    const address = sessionStorage.getItem(key(digest)) ?? "";
    sessionStorage.removeItem(key(digest));
    const { origin, href } = new URL(address);
    if (origin !== location.origin || (await digestOf(address)) !== digest) return;
    if (error) mark();
    location.replace(error ? addError(href, error) : href);
  } catch {
    // No address waits.
  }
}

/**
 * The address with an error, and otherwise as it is written.
 * @param {string} href
 * @param {string} error
 */
function addError(href, error) {
  const [address, fragment] = [href.replace(/#.*/s, ""), href.match(/#.*/s)?.[0] ?? ""];
  return address + (address.includes("?") ? "&" : "?") + errorParameter + "=" + encodeURIComponent(error) + fragment;
}

/** @param {string} text */
async function digestOf(text) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(hash).subarray(0, 16))).replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] ?? "");
}

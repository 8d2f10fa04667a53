// @ts-check
// Why no answer came that the page may read.

import { ask, cause, patience } from "./probe.js";

/** @import { Cause } from "./probe.js" */

/**
 * Asks in other ways.
 * @param {string} url
 * @param {string} directive of the page's policy that blocked it
 * @returns {Promise<Cause | undefined>}
 */
export async function causeOfSilence(url, directive) {
  const { protocol, origin, hostname } = new URL(url);
  if (directive) return cause("connection_blocked", `the page's Content-Security-Policy does not allow ${url}: add ${origin} to its ${directive} and script-src`);
  if (location.protocol > protocol && !/^(localhost|127\.|\[::1)/.test(hostname)) return cause("mixed_content", `a page on https may not ask for ${url}: use https`);
  if (await reaches(url, { redirect: "manual" })) {
    return cause("backend_redirected", `${url} is redirected to another host, such as a login's: let the proxy answer it by the backend`);
  }
  if (origin === location.origin) return undefined;
  const swapped = protocol === "http:" ? url.replace("http", "https") : url.replace("https", "http");
  const isThere = await reaches(url, { mode: "no-cors" });
  if ((await ask(swapped))?.json || (!isThere && (await reaches(swapped, { mode: "no-cors" })))) {
    return cause("wrong_protocol", `${url} does not answer, but ${swapped} does: set the client's backend to that`);
  }
  if (isThere) return cause("cors_blocked", `${url} answers, but not for pages of ${location.origin}: see that it is the backend that answers there, and let the proxy leave its Access-Control headers as they are`);
  return cause("backend_unreachable", `nothing answers at ${url}: start the backend, or correct host and port of the client's backend; the client keeps trying`, { passing: true });
}

/**
 * Whether anything answers that the page may not read.
 * @param {string} url
 * @param {RequestInit} init
 */
const reaches = (url, init) => fetch(url, { cache: "no-store", signal: AbortSignal.timeout(patience), ...init }).then(({ type }) => type.startsWith("opaque"), () => false);

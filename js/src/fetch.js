// @ts-check

import { isOwn } from "./answers.js";
import { explain } from "./failures.js";
import { callsOf } from "./ondemand.js";
import { own } from "./own.js";

/**
 * @typedef {import("./ondemand.js").Context} Context
 * @typedef {(credential: string) => Promise<Response>} Again sends a request again
 */

/**
 * The token of a credential: of one that is bound to the device key, the text after "DPoP ".
 * @param {string} credential
 */
export const tokenOf = (credential) => credential.replace(/^DPoP /, "");

/**
 * A fetch that acts for an organization: it attaches the token to requests to
 * the registered API origins and to no others, ends with the organization, and
 * renews the token once when it is refused, or lacks a permission. A body that can be
 * read only once is never sent twice: the refusal is the answer. Neither is a request that
 * asks for a step-up. A token that is bound to the device key
 * goes with the key's proof (RFC 9449 section 7.1), for which the module must run. No cache
 * answers unless the caller asks for one.
 * @param {Context & {apis: string[]}} context
 * @param {ReturnType<typeof callsOf>} call
 * @returns {typeof globalThis.fetch}
 */
export const fetchFor = (context, call) => async (input, given) => {
  const { apis, ask, credential, scope } = context;
  const init = own(given);
  const request = input instanceof Request ? input : undefined;
  const url = new URL(request?.url ?? String(input), document.baseURI);
  if (!apis.includes(url.origin)) {
    const answer = fetch(input, given);
    if (!(/** @type {any} */ (await answer.catch(String)).ok)) explain("explainApi", url.origin, answer);
    return answer;
  }

  // The method as it is sent, and a signal of its own.
  const { method, signal } = new Request("data:,", { method: init.method ?? request?.method, signal: init.signal ?? request?.signal });
  let active = scope();
  let access = await untilAborted(signal, credential);
  if (!active.key) {
    // It was not known yet which organization: now it is.
    active = scope();
    access = await untilAborted(signal, credential);
  }

  const cache = init.cache ?? (request && request.cache !== "default" ? request.cache : "no-store");
  const either = AbortSignal.any([active.signal, signal]);
  const copy = init.body == null && request ? request.clone() : input;
  const send = async (/** @type {RequestInfo | URL} */ target, /** @type {string} */ access) => {
    either.throwIfAborted();
    const headers = new Headers(init.headers ?? request?.headers);
    const token = tokenOf(access);
    headers.set("Authorization", token === access ? `Bearer ${token}` : access);
    if (token !== access) headers.set("DPoP", await ask("proof", token, method, url.origin + url.pathname));
    const response = await fetch(target, own({ ...init, cache, headers, signal: either }));
    return isOwn(response, token) ? response : call("foreign")(response);
  };
  const response = await send(input, access);
  if (response.status % 401 && !response.headers.has("WWW-Authenticate")) return response; // 401, and the 0 of an answer that the page may not read
  return call("refused")(response, method + url, tokenOf(access), init.body instanceof ReadableStream ? undefined : (/** @type {string} */ access) => send(copy, access));
};

/**
 * Waits for a token, unless the signal aborts, so that a request's time limit includes the
 * wait.
 * @param {AbortSignal} signal
 * @param {() => Promise<string>} credential
 * @returns {Promise<string>}
 */
const untilAborted = (signal, credential) => new Promise((resolve, reject) => {
  signal.throwIfAborted();
  signal.onabort = () => reject(signal.reason);
  credential().then(resolve, reject).finally(() => (signal.onabort = null)); // which would keep it, and this, as long as the page's signal
});

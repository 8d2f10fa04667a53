// @ts-check

import { ownAnswer } from "./answers.js";
import { own } from "./own.js";

/**
 * @typedef {{key: string, signal: AbortSignal}} Scope
 * @typedef {{
 *   apis: string[],
 *   scope(): Scope,
 *   credential(rejected?: string, ...keep: string[]): Promise<string>,
 *   prove(token: string, method: string, url: string): Promise<string>,
 *   challenged(header: string, request: string): Promise<Error>,
 * }} Access
 */

/**
 * The token of a credential: of one that is bound to the device key, what follows "DPoP ".
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
 * @param {Access} access
 * @returns {typeof globalThis.fetch}
 */
export const fetchFor = ({ apis, scope, credential, prove, challenged }) => async (input, given) => {
  const init = own(given);
  const request = input instanceof Request ? input : undefined;
  const url = new URL(request?.url ?? String(input), document.baseURI);
  if (!apis.includes(url.origin)) return fetch(input, given);

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
  const again = init.body == null && request ? request.clone() : input;
  const send = async (/** @type {RequestInfo | URL} */ target) => {
    const headers = new Headers(init.headers ?? request?.headers);
    const token = tokenOf(access);
    headers.set("Authorization", token === access ? `Bearer ${token}` : access);
    if (token !== access) headers.set("DPoP", await prove(token, method, url.origin + url.pathname));
    const response = ownAnswer(await fetch(target, own({ ...init, cache, headers, signal: either })), token);
    if (asks(response, 401, "insufficient_user_authentication")) throw await challenged(challengeOf(response), method + url);
    return response;
  };
  const response = await send(input);
  if (response.status === 401) access = await credential(tokenOf(access));
  else if (asks(response, 403, "insufficient_scope")) access = await credential(tokenOf(access), "keep").catch(() => "");
  else return response;
  either.throwIfAborted();
  return !access || init.body instanceof ReadableStream ? response : send(again);
};

const challengeOf = (/** @type {Response} */ { headers }) => headers.get("WWW-Authenticate") ?? "";

/**
 * Whether an API refuses a request for this reason (RFC 6750, RFC 9470).
 * @param {Response} response
 * @param {number} status
 * @param {string} error
 */
const asks = (response, status, error) => response.status === status && challengeOf(response).includes(error);

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

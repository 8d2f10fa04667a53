// @ts-check

/**
 * @typedef {{key: string, signal: AbortSignal}} Scope
 * @typedef {{
 *   apis: string[],
 *   scope(): Scope,
 *   credential(rejected?: string): Promise<string>,
 *   prove(token: string, method: string, url: string): Promise<string>,
 * }} Access
 */

/**
 * The token of a credential: of one that is bound to the device key, what follows "DPoP ".
 * @param {string} credential
 */
export const tokenOf = (credential) => credential.replace(/^DPoP /, "");

/**
 * A fetch that acts for an organisation: it attaches the token to requests to
 * the registered API origins and to no others, ends with the organisation, and
 * renews the token once when it is refused. A body that can be read only once is
 * never sent twice: the 401 is the answer. A token that is bound to the device key
 * goes with the key's proof (RFC 9449 section 7.1), for which the module must run.
 * @param {Access} access
 * @returns {typeof globalThis.fetch}
 */
export const fetchFor = ({ apis, scope, credential, prove }) => async (input, init = {}) => {
  const request = input instanceof Request ? input : undefined;
  const url = new URL(request?.url ?? String(input), document.baseURI);
  if (!apis.includes(url.origin)) return fetch(input, init);

  let wearing = scope();
  let access = await credential();
  if (!wearing.key) {
    // It was not known yet which organisation: now it is.
    wearing = scope();
    access = await credential();
  }

  const { signal } = wearing;
  const either = AbortSignal.any([signal, init.signal ?? request?.signal ?? signal]);
  const send = async () => {
    const headers = new Headers(init.headers ?? request?.headers);
    const token = tokenOf(access);
    headers.set("Authorization", token === access ? `Bearer ${token}` : access);
    if (token !== access) headers.set("DPoP", await prove(token, methodOf(init.method ?? request?.method), url.origin + url.pathname));
    return fetch(input, { ...init, headers, signal: either });
  };
  const response = await send();
  if (response.status !== 401) return response;

  access = await credential(tokenOf(access));
  const readOnce = init.body instanceof ReadableStream || (init.body == null && request?.bodyUsed);
  return readOnce ? response : send();
};

/**
 * A method as it is sent.
 * @param {string} [method]
 */
const methodOf = (method) => new Request("data:,", { method }).method;

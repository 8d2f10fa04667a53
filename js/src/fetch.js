// @ts-check

/**
 * @typedef {{key: string, signal: AbortSignal}} Scope
 * @typedef {{
 *   apis: string[],
 *   scope(): Scope,
 *   token(rejected?: string): Promise<string>,
 * }} Access
 */

/**
 * A fetch that acts for an organisation: it attaches the token to requests to
 * the registered API origins and to no others, ends with the organisation, and
 * renews the token once when it is refused. A body that can be read only once is
 * never sent twice: the 401 is the answer.
 * @param {Access} access
 * @returns {typeof globalThis.fetch}
 */
export const fetchFor = ({ apis, scope, token }) => async (input, init = {}) => {
  const request = input instanceof Request ? input : undefined;
  const url = new URL(request ? request.url : String(input), document.baseURI);
  if (!apis.includes(url.origin)) return fetch(input, init);

  let wearing = scope();
  let access = await token();
  if (!wearing.key) {
    // It was not known yet which organisation: now it is.
    wearing = scope();
    access = await token();
  }

  const signals = [wearing.signal, init.signal ?? request?.signal].filter((s) => s != null);
  const send = () => {
    const headers = new Headers(init.headers ?? request?.headers);
    headers.set("Authorization", `Bearer ${access}`);
    return fetch(input, { ...init, headers, signal: AbortSignal.any(signals) });
  };
  const response = await send();
  if (response.status !== 401) return response;

  access = await token(access);
  const readOnce = init.body instanceof ReadableStream || (init.body == null && request?.bodyUsed);
  return readOnce ? response : send();
};

// @ts-check
// The headers of a request that the page sends by other means than the client's fetch. It is
// loaded when it is used, and has no imports: its needs are handed to it.

/**
 * See Client.proof.
 * @param {import("./ondemand.js").Context & {apis: string[]}} context
 * @param {string | URL} url
 * @param {{method?: string}} options own properties
 * @returns {Promise<import("../index.js").RequestHeaders>}
 */
export async function proof({ apis, ask, credential, scope }, url, { method: given }) {
  const { origin, pathname } = new URL(url, document.baseURI);
  if (!apis.includes(origin)) throw new TypeError(`${origin} is not one of apis, the origins that get the token`);
  const { method } = new Request("data:,", { method: given }); // as it is sent
  const before = scope();
  const access = await credential();
  const { signal } = before.key ? before : scope(); // it may not have been known yet
  const token = access.replace(/^DPoP /, "");
  const headers = token === access ? { Authorization: `Bearer ${token}` } : { Authorization: access, DPoP: await ask("proof", token, method, origin + pathname) };
  signal.throwIfAborted();
  return headers;
}

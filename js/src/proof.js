// @ts-check
// The headers of a request that the page sends by other means than the client's fetch.

import { requireApi } from "./arguments.js";

/**
 * See Client.proof.
 * @param {import("./ondemand.js").Context & {apis: string[]}} context
 * @param {string | URL} url
 * @param {import("../index.js").ProofOptions} options own properties
 * @returns {Promise<import("../index.js").RequestHeaders>}
 */
export async function proof({ apis, ask, credential, scope }, url, { method: given, signal }) {
  const { origin, pathname } = new URL(url, document.baseURI);
  requireApi(apis, origin);
  const { method } = new Request("data:,", { method: given }); // as it is sent
  signal?.throwIfAborted();
  const either = AbortSignal.any([scope().signal, ...(signal ? [signal] : [])]);
  const access = await credential();
  const token = access.replace(/^DPoP /, "");
  const headers = token === access ? { Authorization: `Bearer ${token}` } : { Authorization: access, DPoP: await ask("proof", token, method, origin + pathname) };
  either.throwIfAborted();
  return headers;
}

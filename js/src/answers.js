// @ts-check
// The organization of an answer. A cache, or a service worker, may answer with another organization's.

/** The origins that name the organization of their answers. @type {Set<string>} */
const naming = new Set();

/**
 * Reports whether the answer to a request with a token is the token's organization's.
 * @param {Response} response
 * @param {string} token
 */
export function isOwn(response, token) {
  const named = response.headers.get("Tabard-Organization");
  const { origin } = new URL(response.url || location.href);
  if (named) naming.add(origin);
  return named ? named === organizationOf(token) : !response.ok || !naming.has(origin);
}

/**
 * The id of a token's organization; empty where it cannot be read.
 * @param {string} token
 */
function organizationOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).org_id;
  } catch {
    return "";
  }
}

// @ts-check
// Whose an answer is. A cache, or a service worker, may answer with another organization's.

import { TabardError } from "./error.js";

/** The origins that name the organization of their answers. @type {Set<string>} */
const naming = new Set();

/**
 * Returns the answer to a request with a token, unless it is another organization's.
 * @param {Response} response
 * @param {string} token
 */
export function ownAnswer(response, token) {
  const named = response.headers.get("Tabard-Organization");
  const { origin } = new URL(response.url || location.href);
  if (named) naming.add(origin);
  if (named ? named === organizationOf(token) : !response.ok || !naming.has(origin)) return response;
  void response.body?.cancel();
  throw named
    ? new TabardError("organization_mismatch", "stop", `the answer of ${response.url} is ${named}'s`)
    : new TabardError("organization_unnamed", "stop", `${response.url} does not say whose its answer is: it lacks Tabard-Organization`);
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

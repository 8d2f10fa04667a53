// @ts-check

/** @import { Claims } from "../index.js" */

/**
 * The address of the backend that minted a token: its issuer, without the suffix of an
 * organization's own issuer.
 * @param {Claims} claims
 */
export function backendURL({ iss, org_id }) {
  const own = `/o/${org_id}`;
  return (iss.endsWith(own) ? iss.slice(0, -own.length) : iss).replace(/\/$/, "");
}

/**
 * The address that a server sends a browser to if its access token has expired but is
 * authentic. See index.d.ts.
 * @param {Claims} claims
 * @param {string} returnTo
 */
export function renewalUrl(claims, returnTo) {
  const query = new URLSearchParams({ app: claims.client_id, organization: claims.org_id, return_to: returnTo, user: claims.sub });
  return `${backendURL(claims)}/login?${query}`;
}

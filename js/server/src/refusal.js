// @ts-check

import { TokenError } from "./error.js";
import { retry } from "./keyset.js";

/** @import { Demand, Refusal } from "../index.js" */

/**
 * The answer to a refused request: 401 if another token, proof or authentication could help
 * (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470 section 3), 403 if the token is of another
 * organization or lacks a permission, or a link does not open it, 503 if the keys could not be fetched, or the feed of endings was not heard.
 * @param {TokenError} error
 * @returns {Refusal}
 */
export function refusalOf({ reason, bound, demand = {}, organization, status }) {
  const scheme = bound ? "DPoP" : "Bearer";
  const refusal = (/** @type {string} */ code, challenge = "", retryAfter = 0) => ({ status, code, reason, challenge, retryAfter, organization });
  switch (reason) {
    case "no_token": return refusal("invalid_token", "Bearer");
    case "wrong_organization": return refusal("organization_mismatch");
    case "invalid_link": return refusal(reason);
    case "keys_unavailable":
    case "endings_unknown": return refusal("temporarily_unavailable", "", retry / 1000);
    case "invalid_proof": return refusal("invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs="ES256"`);
    case "proof_required":
      return refusal("invalid_token", `DPoP error="invalid_token", error_description="proof_required", algs="ES256"`);
    case "insufficient_scope":
      return refusal(reason, `${scheme} error="${reason}", scope=${quoted((demand.permissions ?? []).join(" "))}`);
    case "insufficient_user_authentication":
      return refusal(reason, `${scheme} error="${reason}"${stepUp(demand)}`);
    default: return refusal("invalid_token", `${scheme} error="invalid_token", error_description="${reason}"`);
  }
}

/**
 * The parameters of a challenge for a step-up.
 * @param {Demand} demand
 */
const stepUp = ({ acr = [], maxAge = 0 }) =>
  (acr.length > 0 ? `, acr_values=${quoted(acr.join(" "))}` : "") + (maxAge > 0 ? `, max_age="${Math.floor(maxAge)}"` : "");

/** @param {string} text */
const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;

/**
 * The headers and the body of the answer to a refused request.
 * @param {TokenError} error
 * @returns {{status: number, headers: {[name: string]: string}, body: string}}
 */
export function refused(error) {
  const { status, code, reason, challenge, retryAfter, organization } = refusalOf(error);
  return {
    status,
    headers: {
      ...(challenge && { "WWW-Authenticate": challenge }),
      ...(retryAfter && { "Retry-After": String(retryAfter) }),
      ...(organization && { "Tabard-Organization": organization, "Access-Control-Expose-Headers": "Tabard-Organization" }),
      "Cache-Control": "no-store",
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ error: code, error_description: reason }),
  };
}

/**
 * The answer to a refused request.
 * @param {TokenError} error
 */
export function refuse(error) {
  const { status, headers, body } = refused(error);
  return new Response(body, { status, headers });
}

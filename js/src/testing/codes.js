// @ts-check

/** @import { Action, Code, Ending, Problem } from "../../index.js" */

/** The codes that ask for something else than to stop. @type {Record<string, string[]>} */
const actions = {
  choose: ["account_required"],
  sign_in: ["login_required", "session_expired", "session_revoked", "refresh_token_reused", "device_key_required", "device_key_mismatch"],
  step_up: ["insufficient_user_authentication", "organization_session_expired", "origin_not_joined"],
  retry: ["request_too_old", "use_dpop_nonce", "invalid_dpop_proof", "rate_limited", "temporarily_unavailable", "server_error", "access_denied", "overtaken"],
};

/**
 * The action after a code.
 * @param {string} code
 * @returns {Action}
 */
export function actionOf(code) {
  for (const action in actions) if (actions[action]?.includes(code)) return /** @type {Action} */ (action);
  return "stop";
}

/**
 * A refusal, as the backend makes it.
 * @param {Code} code
 * @param {{reason?: Ending | undefined, retryAfter?: number | undefined}} [more]
 * @returns {Problem}
 */
export function problemOf(code, { reason, retryAfter } = {}) {
  if (!/^[a-z_]+$/.test(code)) throw new TypeError(`"${code}" is no code: pass one such as "organization_access_denied"`);
  return { code, action: actionOf(code), description: "the fake client was told to say so", ...(reason && { reason }), ...(retryAfter && { retryAfter }) };
}

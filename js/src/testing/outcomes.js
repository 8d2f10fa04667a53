// @ts-check
// How calls of a fake client end, in the real client's words.

import { TabardError } from "../error.js";
import { addressIn } from "../returnaddress.js";

/** @import { Organization, Problem } from "../../index.js" */
/** @import { Tenant } from "./world.js" */

/** @param {Problem} problem */
export const errorOf = ({ code, action, description, reason, retryAfter }) => new TabardError(code, action, description, reason, retryAfter);

/** How a switch of the person ended. @returns {"refused" | "unavailable" | "step_up_required"} */
export const statusOf = (/** @type {any} */ { action }) => (action === "retry" ? "unavailable" : action === "step_up" ? "step_up_required" : "refused");

/** Whether a refusal keeps a person out of an organization that they were not in. */
export const deniesEntry = (/** @type {Problem} */ { code, reason }) => code === "organization_access_denied" || (code === "insufficient_user_authentication" && !reason);

/** @param {Tenant} tenant @returns {Organization} */
export const organizationOf = ({ id, slug, name }) => Object.freeze({ id, slug, name });

/** @param {{returnTo?: string | URL | undefined}} [options] */
export const returnOf = (options) => (options?.returnTo === undefined ? {} : { returnTo: String(options.returnTo) });

/**
 * Where a departure comes back to, if that is not the page itself.
 * @param {{by: import("../routes/hook.js").Switch}} tab
 * @param {string} organization that it is for; empty for none
 * @param {string | URL} [url]
 */
export function comesBack({ by }, organization, url) {
  const returnTo = addressIn({ change: by }, organization, url);
  return returnOf({ returnTo: url === undefined && String(returnTo) === globalThis.location?.href ? undefined : returnTo });
}

/**
 * @template {string} S
 * @param {S} status
 * @param {Problem} problem
 */
export const failed = (status, { code, action, description, reason }) => ({ status, code, action, description, ...(reason && { reason }) });

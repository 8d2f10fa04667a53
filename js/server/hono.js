// @ts-check

import { TokenError } from "./src/error.js";
import { refuse } from "./src/refusal.js";

/**
 * @import { Guard, Rule } from "./index.js"
 * @import { HonoContext } from "./hono.js"
 */

/**
 * Middleware that lets requests pass which a rule allows. See hono.d.ts.
 * @param {Pick<Guard, "admit">} guard
 * @param {Rule} [rule]
 */
export const protect = (guard, rule) => async (/** @type {HonoContext} */ c, /** @type {() => Promise<void>} */ next) => {
  let admission;
  try {
    admission = await guard.admit(c.req.raw, { route: c.req.routePath, ...rule }, c.req.param());
  } catch (error) {
    if (error instanceof TokenError) return refuse(error);
    throw error;
  }
  c.set("tabard", admission);
  c.req.raw = admission.request;
  await next();
  const answer = c.error instanceof TokenError ? refuse(c.error) : admission.respond(c.res);
  c.res = undefined; // else Hono copies the former answer's headers over these
  c.res = answer;
  return undefined;
};

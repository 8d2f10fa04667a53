// @ts-check

/**
 * @import { Guard, Rule } from "./index.js"
 */

/**
 * Protects a route handler. See next.d.ts.
 * @param {Pick<Guard, "admit" | "answer">} guard
 * @param {Rule} rule
 * @param {(request: any, context: any) => Response | Promise<Response>} handler
 */
export const protect = (guard, rule, handler) => async (/** @type {Request} */ request, /** @type {any} */ context) => {
  const params = await context?.params;
  return guard.answer(
    () => guard.admit(request, rule, params ?? {}),
    (admission) => handler(admission.request, { ...context, tabard: admission }),
  );
};

// @ts-check

import { TokenError } from "./src/error.js";
import { fromNode, markNode } from "./src/node.js";
import { refused } from "./src/refusal.js";

/**
 * @import { Guard, Rule } from "./index.js"
 * @import { ExpressError, ExpressHandler } from "./express.js"
 */

/**
 * Middleware that lets requests pass which a rule allows. See express.d.ts.
 * @param {Pick<Guard, "admit">} guard
 * @param {Rule} [rule]
 * @returns {ExpressHandler}
 */
export const protect = (guard, rule) => async (request, response, next) => {
  try {
    const route = `${request.baseUrl ?? ""}${request.route?.path ?? ""}`;
    request.tabard = await guard.admit(fromNode(request), { route, ...rule }, request.params);
    markNode(request, response, /** @type {any} */ (request.tabard));
  } catch (error) {
    return refuse(error, request, response, next);
  }
  next();
};

/**
 * Error-handling middleware that answers refused requests. See express.d.ts.
 * @type {ExpressError}
 */
export function refuse(error, _request, response, next) {
  if (!(error instanceof TokenError) || response.headersSent) return next(error);
  const { status, headers, body } = refused(error);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  response.end(body);
}

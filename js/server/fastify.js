// @ts-check

import { TokenError } from "./src/error.js";
import { fromNode, markNode } from "./src/node.js";
import { refused } from "./src/refusal.js";

/**
 * @import { Guard, Rule } from "./index.js"
 * @import { FastifyReplyLike, FastifyRequestLike } from "./fastify.js"
 */

/**
 * A hook that lets requests pass which a rule allows. See fastify.d.ts.
 * @param {Pick<Guard, "admit">} guard
 * @param {Rule} [rule]
 */
export const protect = (guard, rule) => async (/** @type {FastifyRequestLike} */ request, /** @type {FastifyReplyLike} */ reply) => {
  try {
    const route = request.routeOptions?.url ?? "";
    request.tabard = await guard.admit(fromNode(request.raw), { route, ...rule }, request.params);
    markNode(request.raw, reply.raw, /** @type {any} */ (request.tabard));
  } catch (error) {
    return refuse(error, request, reply);
  }
  return undefined;
};

/**
 * An error handler that answers refused requests. See fastify.d.ts.
 * @param {unknown} error
 * @param {FastifyRequestLike} _request
 * @param {FastifyReplyLike} reply
 */
export function refuse(error, _request, reply) {
  if (!(error instanceof TokenError)) throw error;
  const { status, headers, body } = refused(error);
  reply.code(status).headers(headers).send(body);
  return reply;
}

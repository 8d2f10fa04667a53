import type { IncomingMessage, ServerResponse } from "node:http";
import type { Admission, Guard, Rule } from "./index.js";

/** What of a Fastify request is read. */
export interface FastifyRequestLike {
  raw: IncomingMessage;
  params?: any;
  routeOptions?: { url?: string };
  tabard?: Admission;
}

/** What of a Fastify reply is used. */
export interface FastifyReplyLike {
  raw: ServerResponse;
  code(status: number): this;
  headers(headers: { [name: string]: string }): this;
  send(body: string): unknown;
}

/**
 * A hook (`onRequest` or `preHandler`) for Fastify that lets requests pass which a rule allows,
 * with `request.tabard`, and answers the others. `rule.organization` names a parameter of the
 * route.
 */
export function protect(guard: Pick<Guard, "admit">, rule?: Rule): (request: any, reply: any) => Promise<any>;

/** A handler for `setErrorHandler` that answers what handlers refuse themselves, and throws every other error again. */
export function refuse(error: unknown, request: any, reply: any): any;

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Admission, Guard, Rule } from "./index.js";

declare global {
  namespace Express {
    interface Request {
      /** Whom a request acts for that {@link protect} let pass. */
      tabard?: Admission;
    }
  }
}

/** What of an Express request is read. */
export interface ExpressRequest extends IncomingMessage {
  originalUrl?: string;
  baseUrl?: string;
  route?: { path?: unknown };
  params?: any;
  tabard?: Admission;
}

export type ExpressHandler = (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => Promise<void> | void;
export type ExpressError = (error: unknown, request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Middleware for Express 4 and 5 that lets requests pass which a rule allows, with
 * `request.tabard`, and answers the others. `rule.organization` names a parameter of the route.
 */
export function protect(guard: Pick<Guard, "admit">, rule?: Rule): ExpressHandler;

/** Error-handling middleware that answers what handlers refuse themselves, as `await request.tabard.match(row.organization)` does. */
export const refuse: ExpressError;

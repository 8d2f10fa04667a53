// @ts-check

/** @import { Demand, Reason } from "../index.js" */

/** The error of a refused token or request. See index.d.ts. */
export class TokenError extends Error {
  /**
   * @param {Reason} reason
   * @param {{cause?: unknown, demand?: Demand, bound?: boolean, organization?: string}} [details]
   */
  constructor(reason, { cause, demand, bound = false, organization } = {}) {
    const text = cause instanceof Error ? `${reason}: ${cause.message}` : cause ? `${reason}: ${cause}` : reason;
    super(text, cause instanceof Error ? { cause } : undefined);
    this.name = "TokenError";
    this.reason = reason;
    this.demand = demand;
    this.bound = bound;
    /** The organization of an authentic token. @type {string | undefined} */
    this.organization = organization;
  }

  /** The answer's status, which error handlers of frameworks read. */
  get status() { return statuses.get(this.reason) ?? 401; }
  get statusCode() { return this.status; }
}

/** The statuses other than 401. @type {Map<Reason, number>} */
const statuses = new Map([
  ["wrong_organization", 403], ["insufficient_scope", 403], ["invalid_link", 403],
  ["keys_unavailable", 503], ["endings_unknown", 503],
]);

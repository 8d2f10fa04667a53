// @ts-check

import { own } from "./own.js";

/** @import { Action, Code, Ending } from "../index.js" */

/** A refusal or a fault, and the action to take. See index.d.ts. */
export class TabardError extends Error {
  /** @type {undefined | ((options?: import("../index.js").StepUpOptions) => Promise<void>)} */
  continue;

  /**
   * @param {Code} code
   * @param {Action} action
   * @param {string} [description]
   * @param {Ending} [reason]
   * @param {number} [retryAfter]
   */
  constructor(code, action, description, reason, retryAfter) {
    super(description ? `${code}: ${description}` : code);
    this.name = "TabardError";
    this.code = code;
    this.action = action;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** @param {string} description */
export const unavailable = (description) => new TabardError("temporarily_unavailable", "retry", description);

/**
 * The error of a rejected call: the module rejects with JSON.
 * @param {unknown} reason
 */
export function toError(reason) {
  if (typeof reason !== "string") return reason;
  const { code, action, description, reason: ending, retryAfter, loginUrl } = own(JSON.parse(reason));
  const error = new TabardError(code, action, description, ending, retryAfter);
  if (loginUrl) addresses.set(error, loginUrl);
  return error;
}

/** An error as states and results have it. @param {any} error */
export const problemOf = ({ code, action, message }) => ({ code, action, description: message });

/** Where refusals are satisfied. @type {WeakMap<TabardError, string>} */
export const addresses = new WeakMap();

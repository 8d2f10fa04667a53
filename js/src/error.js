// @ts-check

import { own } from "./own.js";

/** @import { Action, Ending } from "../index.js" */

/** A refusal or a fault, and what to do about it. See index.d.ts. */
export class TabardError extends Error {
  /**
   * @param {string} code
   * @param {Action} action
   * @param {string} [description]
   * @param {Ending} [reason]
   */
  constructor(code, action, description, reason) {
    super(description ? `${code}: ${description}` : code);
    this.name = "TabardError";
    this.code = code;
    this.action = action;
    this.reason = reason;
    /** @type {undefined | ((options?: import("../index.js").StepUpOptions) => Promise<void>)} */
    this.continue = undefined;
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
  const { code, action, description, reason: ending, loginUrl } = own(JSON.parse(reason));
  const error = new TabardError(code, action, description, ending);
  if (loginUrl) addresses.set(error, loginUrl);
  return error;
}

/** Where refusals are satisfied. @type {WeakMap<TabardError, string>} */
export const addresses = new WeakMap();

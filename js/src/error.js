// @ts-check

/** @import { Action } from "../index.js" */

/** A refusal or a fault, and what to do about it. See index.d.ts. */
export class TabardError extends Error {
  /**
   * @param {string} code
   * @param {Action} action
   * @param {string} [description]
   */
  constructor(code, action, description) {
    super(description ? `${code}: ${description}` : code);
    this.name = "TabardError";
    this.code = code;
    this.action = action;
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
  const { code, action, description } = JSON.parse(reason);
  return new TabardError(code, action, description);
}

// @ts-check
// The way to the calls that a page with a live tab does without, which are loaded when they
// are used.

import { addresses, unavailable } from "./error.js";
import { own } from "./own.js";

/**
 * The client's parts that the calls need. They are handed to them, for they may be of another release.
 * @typedef {{
 *   TabardError: typeof import("../index.js").TabardError,
 *   ask(name: string, ...args: string[]): Promise<string>,
 *   credential(rejected?: string, ...keep: string[]): Promise<string>,
 *   scope(): {key: string, signal: AbortSignal},
 *   backend: string,
 *   change?: import("./routes/hook.js").Switch,
 * }} Context
 */

/**
 * Opens a window for a sign-in or a step-up, if one is asked for. Browsers allow it in a click
 * alone, before anything is waited for.
 * @param {{popup?: unknown}} options
 */
const open = ({ popup }) => (popup ? window.open("", "_blank", "popup") : undefined);

/**
 * Returns the calls by their names. Those that cannot be loaded throw, without an effect.
 * @param {Context} context
 * @returns {(name: keyof typeof import("./calls.js") | keyof typeof import("./accounts.js")) => (...args: any[]) => Promise<any>}
 */
export const callsOf = (context) => (name) => async (...args) => {
  const popup = open(own(args[0])), begun = context.scope();
  /** @type {any} */
  const calls = await (/ccount/.test(name) ? import("./accounts.js") : import("./calls.js")).catch((cause) => {
    popup?.close();
    throw unavailable(String(cause));
  });
  return calls[name]({ ...context, addressOf: (/** @type {any} */ error) => addresses.get(error), open, popup, begun }, ...args);
};

// @ts-check
// The person's sessions, and how they are ended. It is loaded when it is used, and shares no state
// with the client, which may be of another release.

import { freeze } from "./freeze.js";
import { signOutOptions } from "./arguments.js";
import { absolute, appBase } from "./page.js";

/** @import { Client, StepUpOptions } from "../index.js" */

/**
 * The client's part in it.
 * @typedef {import("./calls.js").Context & {leave(loginUrl: string, options?: StepUpOptions): Promise<void>}} Context
 */

/**
 * See {@link Client.sessions}.
 * @param {Context} context
 */
export const sessions = async ({ ask }) => freeze(JSON.parse(await ask("sessions")));

/**
 * See {@link Client.endSession}.
 * @param {Context} context
 * @param {string} id
 */
export const endSession = async (context, id) => void (await askWithStepUp(context, "endSession", id));

/**
 * See {@link Client.signOut}.
 * @param {Context} context
 * @param {Parameters<Client["signOut"]>[0]} [options]
 */
export async function signOut(context, options) {
  const { scope = "session", account = scope, returnTo = appBase() } = signOutOptions(options);
  const endSessionUrl = await askWithStepUp(context, "signOut", account, ...(returnTo ? [absolute(returnTo).href] : []));
  return endSessionUrl ? { endSessionUrl } : {};
}

/**
 * Calls a function that needs a recent authentication. If it is refused without one, the
 * error's `continue` leads to the step-up.
 * @param {Context} context
 * @param {string} name
 * @param {...string} args
 */
async function askWithStepUp(context, name, ...args) {
  try {
    return await context.ask(name, ...args);
  } catch (/** @type {any} */ error) {
    const loginUrl = context.addressOf(error);
    if (loginUrl) error.continue = (/** @type {StepUpOptions} */ options) => context.leave(loginUrl, options);
    throw error;
  }
}

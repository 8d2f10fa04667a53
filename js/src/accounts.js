// @ts-check
// Several people in one browser. It is loaded when it is used, and shares no state with the
// client, which may be of another release: its needs are handed to it.

import { accountOptions, requirePerson } from "./arguments.js";

/** @import { Account, AccountResult } from "../index.js" */

/** @typedef {import("./ondemand.js").Context & {store: import("./store.js").Store}} Context */

/**
 * See {@link Client.accounts}.
 * @param {Context} context
 * @returns {Promise<readonly Account[]>}
 */
export async function accounts({ ask, store }) {
  const { state } = store;
  return "accounts" in state ? state.accounts : Object.freeze(JSON.parse(await ask("accounts")).map(Object.freeze));
}

/**
 * See {@link Client.switchAccount}.
 * @param {Context} context
 * @param {import("./gate.js").Ask} question asks whether the tab may leave its organization
 * @param {string} id
 * @param {{organization?: string}} [options]
 * @returns {Promise<AccountResult>}
 */
export async function switchAccount({ ask, TabardError }, question, id, options) {
  const { organization = "" } = accountOptions(options);
  requirePerson(id);
  if ((await question(id)) === false) return { status: "refused", code: "switch_declined", action: "stop", description: "the page stays with its person" };
  try {
    const { loginUrl, organization: entered, ...result } = JSON.parse(await ask("switchAccount", id, organization));
    return entered?.id ? { ...result, organization: entered } : result;
  } catch (error) {
    if (!(error instanceof TabardError)) throw error;
    const { code, action, message } = error;
    return { status: "unavailable", code, action, description: message };
  }
}

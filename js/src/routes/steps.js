// @ts-check
// The halves of a client's switch, which routes take over.

import { routesHook } from "./hook.js";

/** @import { Client } from "../../index.js" */

/** What a client asks that has no question. @type {import("../gate.js").Ask} */
const noQuestion = () => undefined;

/**
 * A switch whose halves are the client's own.
 * @param {Client} client
 * @returns {import("./hook.js").Steps}
 */
export const stepsOf = (client) => ({ ask: noQuestion, enter: client.switchOrganization, switch: client.switchOrganization });

/**
 * From now on, until the signal aborts, the address changes before the tab does. An object that
 * only looks like a client has no member for it.
 * @param {Client} client
 * @param {import("./hook.js").Switch} change
 * @param {AbortSignal} signal
 * @returns {import("./hook.js").Steps}
 */
export function takeOver(client, change, signal) {
  /** @type {((by?: import("./hook.js").Switch) => import("./hook.js").Steps) | undefined} */
  const by = /** @type {any} */ (client)[routesHook];
  if (!by) return stepsOf(client);
  signal.addEventListener("abort", () => by());
  return Object.assign({ ask: noQuestion }, by(change));
}

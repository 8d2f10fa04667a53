// @ts-check
// The way to step-ups and connections, which are loaded when an API or the page asks for one.

import { TabardError, unavailable } from "./error.js";
import { requireTopLevel } from "./page.js";
import { returnAddress } from "./returnaddress.js";

/** @import { StepUpOptions, StepUpRequest } from "../index.js" */

/**
 * A connection that acts for an organization.
 * @param {import("./fetch.js").Access} access
 * @returns {(url: string | URL) => Promise<WebSocket>}
 */
export const connectionsOf = (access) => (url) =>
  import("./connect.js").then(({ connect }) => connect({ TabardError, ...access }, url), (cause) => Promise.reject(unavailable(String(cause))));

/**
 * Opens a window for a step-up, if one is asked for. Browsers allow it in a click alone,
 * before anything is waited for.
 * @param {StepUpOptions} options
 */
const open = ({ popup }) => (popup ? window.open("", "_blank", "popup,width=480,height=720") : undefined);

/**
 * The step-ups of an organization.
 * @param {(name: string, ...args: string[]) => Promise<string>} ask the module
 * @param {string} backend
 * @param {(rejected?: string, ...keep: string[]) => Promise<string>} credential
 * @param {() => {signal: AbortSignal}} scope
 */
export function stepUpsOf(ask, backend, credential, scope) {
  const context = { TabardError, requireTopLevel, returnAddress, open, ask, backend, credential, scope };
  /** @param {Window | null} [popup] */
  const load = (popup) => import("./stepup.js").catch((cause) => {
    popup?.close();
    throw unavailable(String(cause));
  });
  return {
    challenged: (/** @type {string} */ header, /** @type {string} */ request) => load().then((chunk) => chunk.challengeError(context, header, request)),
    stepUp(/** @type {StepUpRequest} */ options) {
      const popup = open(options);
      return load(popup).then((chunk) => chunk.stepUp(context, options, popup));
    },
  };
}

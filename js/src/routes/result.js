// @ts-check
// How the following of a route ends, and the meaning of a tab's state for it.

/** @import { Client, DeniedState, Organization, State } from "../../index.js" */
/** @import { RouteProblem } from "../../routes.js" */

import { continueOptions } from "../arguments.js";

/** @type {RouteProblem} */
export const blocked = Object.freeze({ status: "overtaken", code: "navigation_blocked", action: "stop", description: "the page's router blocked the change of address, so the tab stays as it is" });

/** @type {RouteProblem} */
export const overtaken = Object.freeze({ status: "overtaken", code: "overtaken", action: "retry", description: "a later change of route replaced this one" });

/** @param {State} state */
export const isActive = ({ status, organization }) => organization !== null && (status === "active" || status === "unavailable" || status === "starting");

/**
 * Whether the client began without the organization of the address, and was let in nowhere.
 * @param {State} state
 * @param {string | undefined} named
 */
export const isUntold = (state, named) => state.status === "choose" || (state.status === "denied" && state.named !== named);

/**
 * Whether the tab is still of the organization that it wore.
 * @param {State} state
 * @param {string | undefined} id
 */
export const isStill = ({ organization }, id) => organization !== null && organization.id === id;

/**
 * @param {Organization | null} organization
 * @param {string} name
 */
export const matches = (organization, name) => organization !== null && (organization.id === name || organization.slug === name);

/**
 * An organization of which only the name is known.
 * @param {string} name
 * @returns {Organization}
 */
export const known = (name) => ({ id: name, slug: name, name });

/**
 * Gets a token of an organization without entering one that the person has left,
 * and tells why there is none. The switch that follows then needs no request.
 * @param {Client} client
 * @param {string} organization
 * @returns {Promise<RouteProblem | undefined>}
 */
export async function refusalOf(client, organization) {
  try {
    await client.inOrganization(organization).getToken();
  } catch (/** @type {any} */ error) {
    const { code, action, message, name } = error;
    if (name === "AbortError") return overtaken; // the scope ended: with the person, or the client
    if (code === "insufficient_user_authentication") return undefined; // the switch says how to step up
    const status = code === "overtaken" ? "overtaken" : action === "retry" ? "unavailable" : "refused";
    return { status, code, action, description: message };
  }
}

/**
 * Why the tab did not enter the organization that the page's address names.
 * @param {DeniedState} state
 * @returns {RouteProblem}
 */
export function denialOf({ error: { code, action, description }, continue: stepUp }) {
  return stepUp
    ? { status: "step_up_required", code, action, description, continue: async (options) => void (await stepUp(options)) }
    : { status: "refused", code, action, description };
}

/**
 * A step-up for a route leads to the route.
 * @param {RouteProblem} result
 * @param {string} url
 * @returns {RouteProblem}
 */
export function withReturnTo(result, url) {
  if (result.status !== "step_up_required") return result;
  return { ...result, continue: async (options) => result.continue({ returnTo: continueOptions(options).returnTo ?? url }) };
}

/** What did not happen. @type {Promise<undefined>} */
export const none = Promise.resolve(undefined);

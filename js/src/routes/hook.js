// @ts-check

/** @import { SwitchResult } from "../../index.js" */

/**
 * A switch; agreed is the answer of `ask`. Of routes' it says as well whether the person has
 * agreed to it already, and where a new tab begins.
 * @typedef {{
 *   (organization: string, agreed?: boolean): Promise<SwitchResult>,
 *   agrees?(organization: string): boolean,
 *   address?(organization: string, url?: string | URL): string | URL,
 * }} Switch
 * @typedef {{ask: import("../gate.js").Ask, enter: Switch, switch: Switch}} Steps `ask` asks the page; `enter` gets the token and leaves the tab as it is; `switch` then takes no request
 */

/**
 * The client's member by which routes take its switches over, and get the two halves of one.
 * A symbol of the registry, for client and routes may come in files of their own.
 */
export const routesHook = Symbol.for("tabard.routes");

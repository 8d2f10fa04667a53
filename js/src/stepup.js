// @ts-check
// The step-up that an API asks for (RFC 9470). It is loaded when it is used, and shares no state
// with the client, which may be of another release: its needs are handed to it.

import { continueOptions, stepUpOptions } from "./arguments.js";

/** @import { StepUpOptions, StepUpRequest, TabardError } from "../index.js" */

/**
 * The parts of the client that a step-up needs.
 * @typedef {{
 *   TabardError: typeof TabardError,
 *   requireTopLevel(): void,
 *   returnAddress(url: string | URL | undefined, organization: string): Promise<string>,
 *   open(options: StepUpOptions): Window | null | undefined,
 *   ask(name: string, ...args: string[]): Promise<string>,
 *   credential(rejected?: string, ...keep: string[]): Promise<string>,
 *   scope(): {signal: AbortSignal},
 *   backend: string,
 * }} Context
 * @typedef {{acrValues: string[], maxAge?: number}} Challenge
 * @typedef {{acr?: string, auth_time?: number, iat?: number, org_id?: string}} Claims
 * @typedef {{
 *   context: Context,
 *   challenge: Challenge,
 *   problem(code: string, description: string): TabardError,
 * }} Step
 */

/**
 * Until when the same challenge of the same request means that it cannot be met: it was met
 * just now.
 * @type {Map<string, number>}
 */
const met = new Map();

/**
 * The challenge in a WWW-Authenticate header.
 * @param {string} header
 * @returns {Challenge}
 */
function parse(header) {
  const parameter = (/** @type {string} */ name) => {
    const [, quoted, bare] = header.match(new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*(?:"([^"]*)"|([^\\s,"]+))`, "i")) ?? [];
    return quoted ?? bare ?? "";
  };
  const age = parameter("max_age");
  return { acrValues: words(parameter("acr_values")), maxAge: /^\d{1,9}$/.test(age) ? Number(age) : undefined };
}

/**
 * The page's own properties, without those of prototypes.
 * @param {object} [value]
 * @returns {any}
 */
const own = (value) => ({ __proto__: null, ...value });

const words = (/** @type {string} */ text) => text.split(/\s+/).filter(Boolean);

/**
 * The claims of a token, which only the API verifies.
 * @param {string} token may follow its scheme
 * @returns {Claims}
 */
function claimsOf(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return own(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return own();
  }
}

/**
 * The error of a request that an API refused with a challenge. The same challenge after it
 * was met cannot be satisfied.
 * @param {Context} context
 * @param {string} header
 * @param {string} request its method and address
 */
export function challengeError(context, header, request) {
  const challenge = parse(header);
  const id = request + header;
  if (performance.now() < (met.get(id) ?? 0)) {
    met.delete(id);
    return new context.TabardError("insufficient_user_authentication", "stop", "the API asks again for an authentication that the token already has");
  }
  const onMet = () => met.set(id, performance.now() + 1000 * (challenge.maxAge ?? 60));
  return problem(context, challenge, onMet, "insufficient_user_authentication", "the API asks for another authentication: " + header);
}

/**
 * Steps up as {@link Client.stepUp} is told to.
 * @param {Context} context
 * @param {StepUpRequest | undefined} given
 * @param {Window | null | undefined} popup
 */
export async function stepUp(context, given, popup) {
  const options = stepUpOptions(given, popup), { acrValues = "", maxAge } = options;
  const values = typeof acrValues === "string" ? words(acrValues) : [...acrValues];
  await begin(context, { acrValues: values, maxAge: maxAge ?? (values.length > 0 ? undefined : 0) }, () => {}, options, popup);
}

/**
 * An error that a step-up can mend.
 * @param {Context} context
 * @param {Challenge} challenge
 * @param {() => void} onMet
 * @param {import("../index.js").Code} code
 * @param {string} description
 */
function problem(context, challenge, onMet, code, description) {
  const error = new context.TabardError(code, "step_up", description);
  error.continue = async (options) => {
    const given = continueOptions(options, "popup returnTo signal");
    await begin(context, challenge, onMet, given, context.open(given));
  };
  return error;
}

/**
 * @param {Context} context
 * @param {Challenge} challenge
 * @param {() => void} onMet
 * @param {StepUpOptions} options
 * @param {Window | null | undefined} popup was opened before anything was waited for: null where the browser blocked it
 */
async function begin(context, challenge, onMet, options, popup) {
  const step = { context, challenge, problem: problem.bind(undefined, context, challenge, onMet) };
  try {
    context.requireTopLevel();
    options.signal?.throwIfAborted();
    if (popup === null) throw step.problem("popup_blocked", "the browser blocked the window: call this in a click, or leave the page by continue()");
    const before = claimsOf(await context.credential());
    const organization = before.org_id ?? "";
    const query = new URLSearchParams({ organization });
    if (challenge.acrValues.length > 0) query.set("acr_values", challenge.acrValues.join(" "));
    if (challenge.maxAge !== undefined) query.set("max_age", String(challenge.maxAge));
    const address = "/login?" + query;
    if (popup) await (await import("./window.js").catch(unavailable(context))).stepUp(step, claimsOf, before, address, options, popup);
    else await leave(step, organization, address, options);
    onMet();
  } catch (error) {
    popup?.close();
    throw error;
  }
}

/**
 * What a window that cannot be loaded throws.
 * @param {Context} context
 * @returns {(cause: unknown) => never}
 */
const unavailable = ({ TabardError }) => (cause) => {
  throw new TabardError("temporarily_unavailable", "retry", String(cause));
};

/**
 * Leaves the page. It rejects in a page that the browser restores from its cache: the
 * person went back.
 * @param {Step} step
 * @param {string} organization
 * @param {string} address
 * @param {StepUpOptions} options
 * @returns {Promise<void>}
 */
async function leave({ context, problem }, organization, address, { returnTo }) {
  await context.ask("stepUp", organization, address, await context.returnAddress(returnTo, organization));
  return new Promise((_, reject) => {
    const onBack = () => reject(problem("step_up_canceled", "the person came back without an authentication"));
    addEventListener("pageshow", onBack, { once: true });
  });
}

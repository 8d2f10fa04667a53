// @ts-check
// The rarely used calls of a page: the ways to the provider and back, sessions, proofs. A
// page with a live tab does without it; it is loaded when it is used. It shares no state with
// the client, which may be of another release: its needs are handed to it.

import { declined } from "./declined.js";
import { continueOptions, signInOptions } from "./arguments.js";
import { absolute } from "./page.js";
import { isReplaced } from "./replaced.js";
import { addressIn, returnAddress } from "./returnaddress.js";

/** @import { Client, SignInOptions, StepUpOptions, StepUpRequest } from "../index.js" */

/**
 * The client's part in it. `popup` is the window that was opened for the call: null where
 * the browser blocked it, undefined where none was asked for.
 * @typedef {import("./ondemand.js").Context & {
 *   addressOf(error: unknown): string | undefined,
 *   open(options: StepUpOptions): Window | null | undefined,
 *   loading?(): import("./early.js").Config | false,
 *   store: import("./store.js").Store,
 *   popup?: Window | null,
 *   begun?: {key: string, signal: AbortSignal},
 * }} Context
 */

/**
 * A part of the client; where it cannot be loaded, the call had no effect.
 * @template T
 * @param {Context} context
 * @param {Promise<T>} part
 * @returns {Promise<T>}
 */
const loaded = ({ TabardError, popup }, part) => part.catch((cause) => {
  popup?.close();
  throw new TabardError("temporarily_unavailable", "retry", String(cause));
});

/**
 * Throws in a frame: the provider and the backend refuse to be framed.
 * @param {Context} context
 */
function requireTopLevel({ TabardError }) {
  if (window.parent && window.parent !== window) {
    throw new TabardError("in_frame", "stop", "sign in from a tab: open this page in one");
  }
}

/**
 * See {@link Client.signIn}.
 * @param {Context} context
 * @param {SignInOptions} [options]
 * @returns {Promise<void>}
 */
export async function signIn(context, options) {
  const given = signInOptions(options, context.popup);
  const { organization = "", prompt = "", loginHint = "", email = "", staySignedIn, account = "" } = given;
  const returnTo = addressIn(context, organization, given.returnTo);
  if (context.popup !== undefined) return signInWindow(context, { ...given, returnTo });
  requireTopLevel(context);
  if (isReplaced()) await (await loaded(context, import("./wrapped.js"))).requireCookie(context);
  const hints = [prompt, loginHint, email, staySignedIn === undefined ? "" : String(!staySignedIn), account];
  const address = await returnAddress(returnTo);
  const config = !account && context.loading?.();
  const waits = config ? await (await loaded(context, import("./early.js"))).signIn(context, config, organization, address, hints) : true;
  if (waits) await context.ask("signIn", organization, address, ...(hints.some(Boolean) ? hints : []));
}

/**
 * Signs in in a window of its own.
 * @param {Context} context
 * @param {any} options
 */
const signInWindow = async (context, options) =>
  (await loaded(context, import("./signin.js"))).signIn(/** @type {any} */ (context), options, (options) => signIn({ ...context, popup: undefined }, options));

/**
 * Leaves the page for a step-up that a refusal names.
 * @param {Context} context
 * @param {string} organization
 * @param {string} loginUrl
 * @param {{returnTo?: string | URL | undefined}} [options]
 */
export async function leave(context, organization, loginUrl, options) {
  const returnTo = addressIn(context, organization, continueOptions(options).returnTo);
  requireTopLevel(context);
  await context.ask("stepUp", organization, loginUrl, await returnAddress(returnTo));
}

/**
 * Leaves the page for a sign-in without a question to the person, by which the page's origin
 * joins the browser's session. If it cannot leave, the person is asked.
 * @param {Context} context
 * @param {string} loginUrl
 */
export const join = (context, loginUrl) => leave(context, "", loginUrl).catch(() => context.ask("asked"));

/**
 * See {@link Client.openTab}.
 * @param {Context} context
 * @param {string} organization
 * @param {string | URL | undefined} url
 * @param {Window} tab
 */
export const openTab = async (context, organization, url, tab) => (await loaded(context, import("./origins.js"))).openTab(context, organization, /** @type {any} */ (url && absolute(url)), tab);

/**
 * Enters an organization that the tab was denied, by the step-up that it asks for.
 * @param {Context | undefined} _
 * @param {import("./routes/hook.js").Switch} enter
 * @param {string} organization
 * @param {{returnTo?: string | URL | undefined}} [options]
 */
export async function enterDenied(_, enter, organization, options) {
  const result = await enter(organization);
  if (result.status === "step_up_required") await result.continue(options);
  return result;
}

/**
 * Asks whether the tab may leave its organization.
 * @param {Context} context
 * @param {Set<import("../index.js").BeforeSwitch>} listeners
 * @param {Parameters<import("../index.js").BeforeSwitch>[0]} change
 */
export const askBeforeSwitch = async (context, listeners, change) => (await loaded(context, import("./question.js"))).ask(context, listeners, change);

/** The result of a switch that the page declined. */
export const decline = async () => declined;

/**
 * A call about the person's sessions.
 * @param {"sessions" | "endSession" | "signOut"} name
 * @returns {(context: Context, given: any) => Promise<any>}
 */
const ending = (name) => async (context, given) => (await loaded(context, import("./ending.js")))[name]({ ...context, leave: leave.bind(null, context, "") }, given);

export const sessions = ending("sessions"), endSession = ending("endSession"), signOut = ending("signOut");

/**
 * Tells every state of a client on the console.
 * @param {Context} _
 * @param {Client} client
 * @param {string} backend
 */
export const debug = async (_, client, backend) => (await import("./debug.js")).debug(client, backend);

/**
 * The step-ups, with the client's parts that they need.
 * @param {Context} context
 */
async function stepUps(context) {
  const handed = {
    ...context, requireTopLevel: () => requireTopLevel(context),
    returnAddress: (/** @type {string | URL | undefined} */ url, organization = "") => returnAddress(addressIn(context, organization, url)),
  };
  return { handed, ...(await loaded(context, import("./stepup.js"))) };
}

/**
 * The answer to a request that an API refused.
 * @param {Context} context
 * @param {Response} response
 * @param {string} request its method and address
 * @param {string} token
 * @param {import("./fetch.js").Again} [again]
 */
export const refused = async (context, response, request, token, again) =>
  (await loaded(context, import("./refusals.js"))).answerTo(context, (header) => challenged(context, header, request), response, token, again);

/**
 * Throws for an answer that is not the organization's.
 * @param {Context} context
 * @param {Response} response
 */
export const foreign = async (context, response) => (await loaded(context, import("./refusals.js"))).foreign(context, response);

/**
 * The error of an API's challenge.
 * @param {Context} context
 * @param {string} header
 * @param {string} request its method and address
 */
async function challenged(context, header, request) {
  const { handed, challengeError } = await stepUps(context);
  return challengeError(handed, header, request);
}

/**
 * A call that acts for an organization.
 * @param {"connect" | "lend" | "newToken" | "proof"} name
 * @returns {(context: Context & {apis: string[]}, ...args: any[]) => Promise<any>}
 */
const acting = (name) => async (context, ...args) => {
  /** @type {any} */
  const chunk = await loaded(context, import("./acting.js"));
  return chunk[name]({ ...context, loaded: loaded.bind(null, context), challenged: challenged.bind(null, context) }, ...args);
};

export const connect = acting("connect"), lend = acting("lend"), newToken = acting("newToken"), proof = acting("proof");

/**
 * See {@link Client.stepUp}.
 * @param {Context} context
 * @param {StepUpRequest} [options]
 */
export async function stepUp(context, options) {
  const chunk = await stepUps(context);
  await chunk.stepUp(chunk.handed, options, context.popup);
}

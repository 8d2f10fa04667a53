// @ts-check
// The arguments of the calls. The client of @tabard/client/testing takes them by the same rules.

import { own } from "./own.js";

/** @import { Client, LendOptions, ProofOptions, SignInOptions, StepUpOptions, StepUpRequest, TokenOptions } from "../index.js" */
/** @typedef {NonNullable<Parameters<Client["signOut"]>[0]>} SignOutOptions */

/**
 * The options that a call was given, as own properties. It throws for one that the call does not
 * have: without it the call would mean something else. A button's event has no options.
 * @param {string} call the call up to its options, as in "proof(url, "
 * @param {unknown} given
 * @param {string} names of the call's options; the first is the one that a text means
 * @param {Window | null} [popup] opened for the call
 * @returns {any}
 */
function optionsOf(call, /** @type {any} */ given, names, popup) {
  const [name] = call.split("("), known = names.split(" ");
  const fail = (/** @type {string} */ problem) => {
    popup?.close();
    throw new TypeError(name + problem);
  };
  if (given != null && (typeof given !== "object" || Array.isArray(given))) {
    fail(` takes an object, as in ${call}{ ${known[0]}: ${typeof given === "string" ? `"${given}"` : "…"} })`);
  }
  const options = /** @type {any} */ (own());
  for (const [key, value] of Object.entries(own(given))) {
    if (known.includes(key)) options[key] = value;
    else if ([Object.prototype, null].includes(Object.getPrototypeOf(given))) fail(` has no option ${key}: it has ${known.join(", ")}`);
  }
  return options;
}

/** @type {(given?: SignInOptions, popup?: Window | null) => SignInOptions} */
export const signInOptions = (given, popup) => optionsOf("signIn(", given, "organization returnTo prompt loginHint email staySignedIn account popup signal", popup);

/** @type {(given?: StepUpRequest, popup?: Window | null) => StepUpRequest} */
export const stepUpOptions = (given, popup) => optionsOf("stepUp(", given, "acrValues maxAge popup returnTo signal", popup);

/**
 * Those of a way on that leaves the page, or stays in it where it can open a window.
 * @type {(given?: StepUpOptions, names?: string) => StepUpOptions}
 */
export const continueOptions = (given, names = "returnTo") => optionsOf("continue(", given, names);

/** @type {(given?: {organization?: string}) => {organization?: string}} */
export const accountOptions = (given) => optionsOf("switchAccount(id, ", given, "organization");

/** @type {(given?: ProofOptions) => ProofOptions} */
export const proofOptions = (given) => optionsOf("proof(url, ", given, "method signal");

/** @type {(given?: TokenOptions) => TokenOptions} */
export const tokenOptions = (given) => optionsOf("getToken(", given, "audience permissions seconds forceRefresh");

/** @type {(given?: LendOptions) => LendOptions} */
export const lendOptions = (given) => optionsOf("lend(", given, "permissions audience seconds");

const scopes = ["organization", "session", "browser", "everywhere"];

/**
 * What was meant otherwise ends no session: without a scope it would be that of the whole browser.
 * @type {(given?: SignOutOptions) => SignOutOptions}
 */
export function signOutOptions(given) {
  const options = optionsOf("signOut(", given, "scope account returnTo");
  const { scope } = options;
  if (typeof scope === "string" && !scopes.includes(scope)) throw new TypeError(`signOut has no scope ${scope}, only ${scopes.join(", ")}`);
  return options;
}

/**
 * Throws for a WebSocket's second argument: the client's speaks a protocol of its own.
 * @param {unknown} given
 */
export function refuseProtocols(given) {
  if (typeof given === "string" || (given && typeof given === "object")) throw new TypeError('connect takes an address alone: its WebSocket has the one subprotocol "tabard"');
}

/**
 * Returns the name of an organization. It throws for what can be none, and for options: calls that
 * take a name have none.
 * @param {string} organization
 * @param {any} [more] what the call was given besides
 */
export function requireName(organization, more) {
  if (!organization || typeof organization !== "string" || more?.constructor === Object) throw new TypeError("organization must be an id or slug alone");
  return organization;
}

/** @param {string} id */
export function requirePerson(id) {
  if (!id || typeof id !== "string") throw new TypeError("switchAccount takes the id of a person, as accounts() lists them");
}

/**
 * Throws for an origin that gets no token.
 * @param {readonly string[]} apis
 * @param {string} origin
 */
export function requireApi(apis, origin) {
  if (!apis.includes(origin)) throw new TypeError(`${origin} is none of the client's apis, the origins that get the token`);
}

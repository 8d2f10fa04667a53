// @ts-check
// The calls that act for an organization by other ways than the client's fetch. They are loaded
// when they are used, and share no state with the client, which may be of another release.

import { own } from "./own.js";
import { lendOptions, proofOptions, refuseProtocols, tokenOptions } from "./arguments.js";
import { proof as headersFor } from "./proof.js";

/** @import { Client } from "../index.js" */

/**
 * The client's part in it.
 * @typedef {import("./calls.js").Context & {
 *   apis: string[],
 *   loaded<T>(part: Promise<T>): Promise<T>,
 *   challenged(header: string, request: string): Promise<unknown>,
 * }} Context
 */

/**
 * The client's parts for one organization: the one that the tab had when the call began, also
 * where the tab goes to another before the call's chunk is there. Where it was not known yet, the
 * first one that is.
 * @param {Context} context
 */
async function forOne(context) {
  const { begun = context.scope() } = context; // a client of an earlier release hands none
  if (!begun.key) await context.credential();
  const active = begun.key ? begun : context.scope();
  const credential = async (/** @type {[string?, ...string[]]} */ ...args) => {
    active.signal.throwIfAborted();
    const access = await context.credential(...args);
    active.signal.throwIfAborted();
    return access;
  };
  return { ...context, scope: () => active, credential };
}

/** @param {string} credential */
const tokenOf = (credential) => credential.replace(/^DPoP /, "");

/**
 * A token that the client does not hold, see {@link Client.getToken}.
 * @param {Context} context
 * @param {import("../index.js").TokenOptions} options
 */
export async function newToken(context, options) {
  const { forceRefresh, ...narrower } = tokenOptions(options);
  const one = await forOne(context);
  if (Object.keys(narrower).length > 0) return (await context.loaded(import("./lend.js"))).narrower(one, own(narrower), forceRefresh);
  const token = tokenOf(await one.credential());
  return forceRefresh ? tokenOf(await one.credential(token, "keep")) : token;
}

/**
 * See {@link Client.connect}.
 * @param {Context} context
 * @param {string | URL} url
 * @param {unknown} [protocols] a WebSocket's, of which it has its own
 */
export async function connect(context, url, protocols) {
  refuseProtocols(protocols);
  const one = await forOne(context);
  return (await context.loaded(import("./connect.js"))).connect({ ...one, prove: (...request) => context.ask("proof", ...request) }, url);
}

/**
 * See {@link Client.lend}.
 * @param {Context} context
 * @param {import("../index.js").LendOptions} options
 */
export async function lend(context, options) {
  const given = lendOptions(options), one = await forOne(context);
  return (await context.loaded(import("./lend.js"))).lend(one, given);
}

/**
 * See {@link Client.proof}.
 * @param {Context} context
 * @param {string | URL} url
 * @param {import("../index.js").ProofOptions} [options]
 */
export async function proof(context, url, options) {
  const given = proofOptions(options);
  return headersFor(await forOne(context), url, given);
}

// @ts-check
// The calls that act for an organization by other ways than the client's fetch. They are loaded
// when they are used, and share no state with the client, which may be of another release.

import { requireKnown } from "./known.js";
import { own } from "./own.js";
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
  const { forceRefresh, ...narrower } = own(options);
  const one = await forOne(context);
  for (const _ in narrower) return (await context.loaded(import("./lend.js"))).narrower(one, own(options));
  const token = tokenOf(await one.credential());
  return forceRefresh ? tokenOf(await one.credential(token, "keep")) : token;
}

/**
 * See {@link Client.connect}.
 * @param {Context} context
 * @param {string | URL} url
 */
export async function connect(context, url) {
  const one = await forOne(context);
  return (await context.loaded(import("./connect.js"))).connect({ ...one, prove: (...request) => context.ask("proof", ...request) }, url);
}

/**
 * See {@link Client.lend}.
 * @param {Context} context
 * @param {import("../index.js").LendOptions} options
 */
export async function lend(context, options) {
  const one = await forOne(context);
  return (await context.loaded(import("./lend.js"))).lend(one, own(options));
}

/**
 * See {@link Client.proof}.
 * @param {Context} context
 * @param {string | URL} url
 * @param {import("../index.js").ProofOptions} [options]
 */
export async function proof(context, url, options) {
  if (typeof options === "string") throw new TypeError(`proof takes an object, as in proof(url, { method: "${options}" })`); // else it would be GET's
  const { method: _, signal: __, ...unknown } = own(options);
  requireKnown("proof", options, unknown);
  return headersFor(await forOne(context), url, own(options));
}

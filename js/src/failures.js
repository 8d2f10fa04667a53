// @ts-check
// The way to the explanations of what fails, which are loaded when something does.

import { TabardError } from "./error.js";

/** @import { Client, State } from "../index.js" */

const load = () => import("./causes.js");

/** Throws where browsers keep no session, so that the cause is explained. */
export function requireCookies() {
  if (globalThis.navigator?.cookieEnabled === false || globalThis.isSecureContext === false) throw Error("no cookies");
}

/**
 * Explains why the module could not be loaded.
 * @param {unknown} error
 * @param {string} url of module.json
 * @param {() => boolean} isOver
 * @returns {Promise<TabardError | undefined | void>} none if waiting may mend it
 */
export const explainModule = (error, url, isOver) =>
  load().then((causes) => causes.explainModule(error, url, isOver)).then(
    (cause) => cause && new TabardError(/** @type {import("../index.js").Code} */ (cause.code), "stop", cause.description),
    () => console.error("tabard:", error),
  );

/**
 * Explains why the backend gave the module no answer, if it gave none.
 * @param {{state: State, subscribe(listener: (state: State) => void): () => void}} store
 * @param {string} backend
 * @param {(cause: {code: string, description: string}) => void} halt
 */
export function explainState(store, backend, halt) {
  if (store.state.status === "unavailable") load().then((causes) => causes.explainState(store, backend, halt)).catch(() => {});
}

/**
 * Tells every state of a client on the console.
 * @param {Client} client
 * @param {string} backend
 */
export const debug = (client, backend) => void load().then((causes) => causes.debug(client, backend));

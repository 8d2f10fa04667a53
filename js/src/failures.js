// @ts-check
// The way to the explanations of failures, which are loaded when something does.

/** Throws where browsers keep no session, so that the cause is explained. */
export function requireCookies() {
  if ([globalThis.navigator?.cookieEnabled, globalThis.isSecureContext].includes(false)) throw Error("no cookies");
}

/**
 * Calls a function of the explanations. Where they cannot be loaded, its first argument is all
 * that is said.
 * @param {"explainModule" | "explainState" | "explainOption" | "explainApi"} name
 * @param {...any} args
 * @returns {Promise<any>}
 */
export const explain = (name, ...args) => import("./causes.js").then((/** @type {any} */ causes) => causes[name](...args)).catch(() => console.error("tabard:", args[0]));

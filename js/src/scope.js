// @ts-check

import { TabardError } from "./error.js";

/** @import { State } from "../index.js" */

/**
 * Why a scope ended: the tab left its organization. It is named as other aborts are, for
 * libraries that tell them from faults by the name.
 */
const left = () => Object.assign(new TabardError("organization_left", "stop", "the tab has left the organization"), { name: "AbortError" });

/**
 * A scope for an organization's data: its key, and a signal that ends
 * with it.
 * @param {string} key
 */
export function scopeOf(key) {
  const controller = new AbortController();
  const { signal } = controller;
  return { key, signal, view: Object.freeze({ key, signal }), abort: () => controller.abort(left()) };
}

/** @typedef {ReturnType<typeof scopeOf>} Scope */

/**
 * The key of the data that may be shown; empty where none may.
 * @param {State} state
 */
export function partitionKey({ status, user, organization }) {
  return /^(active|unavailable|starting)$/.test(status) && user && organization ? `${user.id}/${organization.id}` : "";
}

/**
 * The id of the tab's person; empty if everybody is signed out, or another person is.
 * @param {State} state
 */
export function personOf({ status, user, error }) {
  return status === "signed_out" || error?.code === "identity_changed" ? "" : (user?.id ?? "");
}

// @ts-check
import { freeze } from "./freeze.js";
import { scopeOf } from "./scope.js";
import { initialState } from "./store.js";

/** @import { Organization, Partition, State } from "../index.js" */

/**
 * The state that a server renders, and a browser takes over before it shows its own.
 * @type {State}
 */
export const starting = freeze(JSON.parse(initialState));

/** @type {Partition} */
export const noPartition = scopeOf("").view;

/** Where no organization's data may be shown. @type {import("../index.js").Status[]} */
const hidden = ["ended", "denied", "choose", "choose_account", "signed_out"];

/**
 * The organization whose data may be shown; null if there is none. The same
 * object while it is the same organization: `before` is the previous result.
 * @param {State} state
 * @param {Organization | null} before
 * @returns {Organization | null}
 */
export function activeOrganization({ status, organization }, before) {
  if (!organization || hidden.includes(status)) return null;
  const same = before && before.id === organization.id && before.slug === organization.slug && before.name === organization.name;
  return same ? before : organization;
}

/**
 * The token of a partition's organization: a function that was made for one
 * organization never gets another's.
 * @param {import("../index.js").Client} client
 * @param {Partition} partition
 */
export const tokenFor = (client, partition) => async () => {
  const fenced = partition.key !== "";
  if (fenced) partition.signal.throwIfAborted();
  const token = await client.getToken();
  if (fenced) partition.signal.throwIfAborted();
  return token;
};

/**
 * The client's fetch for a partition: a component's request for one organization never goes
 * to another, however late it asks.
 * @param {import("../index.js").Client} client
 * @param {Partition} partition
 * @returns {typeof globalThis.fetch}
 */
export const fetchIn = (client, { signal }) => async (input, init) => {
  signal.throwIfAborted();
  const own = init?.signal ?? (input instanceof Request ? input.signal : undefined);
  return client.fetch(input, { ...init, signal: either(signal, own) });
};

/**
 * The client's proof for a partition, as {@link fetchIn}.
 * @param {import("../index.js").Client} client
 * @param {Partition} partition
 * @returns {import("../index.js").Client["proof"]}
 */
export const proofIn = (client, { signal }) => async (url, options) => {
  signal.throwIfAborted();
  return client.proof(url, { ...options, signal: either(signal, options?.signal) });
};

/**
 * @param {AbortSignal} signal
 * @param {AbortSignal | undefined} own a caller's
 */
const either = (signal, own) => (own ? AbortSignal.any([own, signal]) : signal);

/**
 * Whether somebody is signed in.
 * @param {State} state
 */
export const isSignedIn = ({ status, user }) => status !== "signed_out" && (user !== null || hidden.includes(status));

/**
 * Whether the person has a permission in the organization whose data may be shown.
 * @param {State} state
 * @param {string} permission
 */
export const hasPermission = (state, permission) => activeOrganization(state, null) !== null && state.permissions.includes(permission);

/** How a switch goes. @typedef {{readonly switching: string | null, readonly result: import("../index.js").SwitchResult | null}} Switching */

/** Before the first switch. @type {Switching} */
export const noSwitch = Object.freeze({ switching: null, result: null });

/**
 * Switches, and tells how the last switch goes.
 * @param {import("../index.js").Client} client
 * @param {(switching: Switching) => void} tell
 */
export function switchesOf(client, tell) {
  let last = 0;
  return async (/** @type {string} */ organization) => {
    const number = ++last;
    tell({ switching: organization, result: null });
    /** @type {import("../index.js").SwitchResult | null} */
    let result = null;
    try {
      return (result = await client.switchOrganization(organization));
    } finally {
      if (number === last) tell({ switching: null, result });
    }
  };
}

/** Defines the switcher's element, in a browser. */
export const defineSwitcher = () => void import("../switcher.js").catch(reportError);

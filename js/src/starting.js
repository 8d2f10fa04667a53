// @ts-check
import { scopeOf } from "./scope.js";
import { initialState, freeze } from "./store.js";

/** @import { Organization, Partition, State } from "../index.js" */

/**
 * What a server renders, and a browser takes over before it shows what it knows.
 * @type {State}
 */
export const starting = freeze(JSON.parse(initialState));

/** @type {Partition} */
export const noPartition = scopeOf("").view;

/** Where no organization's data may be shown. @type {import("../index.js").Status[]} */
const hidden = ["ended", "denied", "choose", "signed_out"];

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

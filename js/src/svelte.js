// @ts-check
import { activeOrganization, defineSwitcher, fetchIn, hasPermission, noSwitch, proofIn, switchesOf, tokenFor } from "./starting.js";

/** @import { Client } from "../index.js" */

/** @param {Client} client */
export const sessionOf = (client) => storeOf(client, () => client.state);

/** @param {Client} client */
export const partitionOf = (client) => storeOf(client, () => client.partition);

/** @param {Client} client */
export function organizationOf(client) {
  /** @type {import("../index.js").Organization | null} */
  let before = null;
  return storeOf(client, () => (before = activeOrganization(client.state, before)));
}

/**
 * A store as Svelte's contract has it: it tells its value at once, and then each
 * other one.
 * @template T
 * @param {Client} client
 * @param {() => T} read
 */
const storeOf = (client, read) => ({
  /** @param {(value: T) => void} run */
  subscribe(run) {
    let value = read();
    run(value);
    return client.subscribe(() => {
      const next = read();
      if (next !== value) run((value = next));
    });
  },
});

/**
 * @param {Client} client
 * @param {string} permission
 */
export const permissionOf = (client, permission) => storeOf(client, () => hasPermission(client.state, permission));

/** @param {Client} client */
export const tokenOf = (client) => () => tokenFor(client, client.partition)();

/** @param {Client} client */
export const fetchOf = (client) => fetchIn(client, client.partition);

/** @param {Client} client */
export const proofOf = (client) => proofIn(client, client.partition);

/** @param {Client} client */
export function switchOf(client) {
  /** @type {Set<(switching: import("./starting.js").Switching) => void>} */
  const runs = new Set();
  let last = noSwitch;
  return {
    switchOrganization: switchesOf(client, (switching) => {
      last = switching;
      runs.forEach((run) => run(last));
    }),
    /** @param {(switching: import("./starting.js").Switching) => void} run */
    subscribe(run) {
      runs.add(run);
      run(last);
      return () => void runs.delete(run);
    },
  };
}

/**
 * @param {import("../switcher.js").TabardSwitcher} element
 * @param {import("../svelte.js").SwitcherProperties} properties
 */
export function tabardSwitcher(element, properties) {
  const update = (/** @type {import("../svelte.js").SwitcherProperties} */ properties) => void Object.assign(element, properties);
  update(properties);
  defineSwitcher();
  return { update };
}

// @ts-check
import { activeOrganization } from "./starting.js";

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

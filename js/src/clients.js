// @ts-check
// One client a page: two would each renew and switch the one tab.

import { own } from "./own.js";

/** @import { Client } from "../index.js" */

/** The page's clients, for all copies of this file that it loads. */
const registry = Symbol.for("tabard.clients");

const text = (/** @type {unknown} */ value) => JSON.stringify(value || 0);

/**
 * The page's client for a backend; the first call makes it. It stays that until it is closed.
 * Another call that names other options is a mistake, and so is one for an organization that
 * the tab does not act for: a page moves on between hot reloads.
 * @param {string} backend
 * @param {any} options own properties, as all that are kept
 * @param {(end: () => unknown) => Client} make
 * @returns {Client}
 */
export function sharedClient(backend, options, make) {
  /** The clients with their options. @type {Map<string, [Client, any]>} */
  const clients = (/** @type {any} */ (document)[registry] ??= new Map());
  const [shared, first] = clients.get(backend) ?? [];
  if (!shared) {
    const client = make(() => clients.get(backend)?.[0] === client && clients.delete(backend));
    clients.set(backend, [client, options]);
    return client;
  }
  const { status, organization } = shared.state;
  const { id, slug } = own(/** @type {any} */ (organization ?? (status === "starting" && { slug: first.organization })));
  for (const name in own({ ...first, ...options })) {
    const value = options[name];
    const same = name === "organization" ? !value || !slug || value === id || value === slug : name === "backend" || text(first[name]) === text(value);
    if (!same) throw new TypeError(`the page has a client for ${backend} with another ${name}: share it, or close it first`);
  }
  return shared;
}

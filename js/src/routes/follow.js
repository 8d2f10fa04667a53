// @ts-check
// The routes' part that pages import.

import { own } from "../own.js";
import { Follower } from "./follower.js";
import { readHost } from "./host.js";
import { isKnown, say } from "./mistakes.js";
import { Pattern } from "./pattern.js";

/** @import { Client } from "../../index.js" */
/** @import { RouteOptions, Routes } from "../../routes.js" */

/** The follower of each client, with the addresses that it follows. @type {WeakMap<Client, {follower: Follower, addresses: string}>} */
const followers = new WeakMap();

/**
 * @param {import("../../routes.js").RoutePattern & {host?: string | undefined, url?: string | URL}} [options]
 */
export function organizationOf(options) {
  if (options != null && typeof options !== "object") throw new TypeError(`organizationOf takes an object, as in organizationOf({ pattern: ${JSON.stringify(options)} })`);
  const { pattern = "/:organization/*", host, except = [], url, navigate: _, home: __, manual: ___, ...unknown } = /** @type {any} */ (own(options));
  for (const name in own(unknown)) explainOption(name, "organizationOf");
  const address = url ?? globalThis.location?.href;
  if (address === undefined) return undefined;
  const at = new URL(address, "https://localhost");
  return host === undefined ? new Pattern(pattern, except).read(at) : readHost(host, except, at);
}

const known = new Set(["pattern", "except", "navigate", "home", "manual"]);

/**
 * Names an option that does not exist.
 * @param {string} name
 * @param {string} [of]
 */
const explainOption = (name, of = "followRoutes") =>
  say(`unknown option ${name} of ${of}, ignored` + (name === "host" ? ": it follows paths; leave it out where each organization has a host" : ""));

/**
 * Ends the following of before a hot reload. One of other addresses is a mistake.
 * @param {Client} client
 * @param {Follower} follower
 * @param {string} addresses
 */
function replace(client, follower, addresses) {
  const before = followers.get(client);
  before?.follower.close();
  if (before && before.addresses !== addresses) console.warn("tabard: a second followRoutes with another pattern or except has ended the first: a tab follows one pattern");
  followers.set(client, { follower, addresses });
}

/**
 * @param {string | URL} url
 * @param {Client} client
 * @returns {URL}
 */
function withinPage(url, { state }) {
  if (typeof url !== "string" && !(url instanceof URL)) throw new TypeError("routes.go takes an address, as in routes.go(\"/globex/notes\")");
  if (isKnown(state, String(url))) throw new TypeError(`routes.go takes an address, and "${url}" is an organization: to its first page leads routes.go(routes.home(organization)), or switchOrganization`);
  const address = new URL(url, location.href);
  if (address.origin !== location.origin) throw new TypeError(`routes.go leads to addresses of ${location.origin}; to ${address.origin} leads location.assign, or openTab`);
  return address;
}

/**
 * @param {Client} client
 * @param {RouteOptions} [options]
 * @returns {Routes}
 */
export function followRoutes(client, options) {
  if (typeof client?.subscribe !== "function") throw new TypeError("followRoutes takes the client first, as in followRoutes(createClient(…), { … })");
  const given = own(options);
  Object.keys(given).filter((name) => !known.has(name)).forEach((name) => explainOption(name));
  for (const name of /** @type {const} */ (["navigate", "home"])) {
    if (given[name] !== undefined && typeof given[name] !== "function") throw new TypeError(`${name} of followRoutes must be a function; given: ${given[name]}`);
  }
  const follower = new Follower(client, given);
  replace(client, follower, JSON.stringify([given.pattern, given.except]));
  if (typeof document !== "undefined") follower.begin();
  /** @type {Routes} */
  const routes = {
    get state() {
      return follower.published.state;
    },
    get agreed() {
      return follower.agreement.given;
    },
    blocker: (blocks) => follower.agreement.blocker(blocks),
    subscribe: (listener) => follower.published.subscribe(listener),
    go: async (url, options) => follower.go(withinPage(url, client), own(options).replace ?? false),
    home: (organization) => follower.places.home(organization),
    follow: () => follower.addressChanged(),
    close: () => follower.close(),
  };
  return Object.freeze(routes);
}

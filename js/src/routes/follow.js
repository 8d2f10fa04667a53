// @ts-check
// What pages import of the routes.

import { own } from "../own.js";
import { Follower } from "./follower.js";
import { readHost } from "./host.js";
import { Pattern } from "./pattern.js";

/** @import { Client } from "../../index.js" */
/** @import { RouteOptions, Routes } from "../../routes.js" */

/** The follower of each client. @type {WeakMap<Client, Follower>} */
const followers = new WeakMap();

/**
 * @param {import("../../routes.js").RoutePattern & {host?: string | undefined, url?: string | URL}} [options]
 */
export function organizationOf(options) {
  const { pattern = "/:organization/*", host, except = [], url } = own(options);
  const address = url ?? globalThis.location?.href;
  if (address === undefined) return undefined;
  const at = new URL(address, "https://localhost");
  return host === undefined ? new Pattern(pattern, except).read(at) : readHost(host, except, at);
}

const known = new Set(["pattern", "except", "navigate", "home", "manual"]);

/**
 * Names an option that does not exist.
 * @param {string} name
 */
const explainOption = (name) =>
  console.error(`tabard: unknown option ${name} of followRoutes, ignored` + (name === "host" ? ": it follows paths; leave it out where each organization has a host" : ""));

/**
 * @param {Client} client
 * @param {RouteOptions} [options]
 * @returns {Routes}
 */
export function followRoutes(client, options) {
  const given = own(options);
  Object.keys(given).filter((name) => !known.has(name)).forEach(explainOption);
  const follower = new Follower(client, given);
  followers.get(client)?.close(); // of before a hot reload
  followers.set(client, follower);
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
    go: (url, options) => follower.go(new URL(url, location.href), own(options).replace ?? false),
    home: (organization) => follower.places.home(organization),
    follow: () => follower.addressChanged(),
    close: () => follower.close(),
  };
  return Object.freeze(routes);
}

// @ts-check
// What stands on the console about addresses that cannot be meant. A denied organization is often
// no organization at all, but a segment of the path that pattern and except do not account for.

import { matches } from "./result.js";

/** @import { State } from "../../index.js" */
/** @import { Pattern } from "./pattern.js" */

/** The lines that stand on the console. @type {Set<string>} */
const said = new Set();

/** @param {string} line */
export function say(line) {
  if (!said.has(line)) console.error("tabard: " + line);
  said.add(line);
}

/**
 * The segments of a path, as they name organizations.
 * @param {string} path
 */
const segmentsOf = (path) => path.split("/").filter(Boolean).map((segment) => segment.replace(/(%[\da-f]{2})+/gi, (bytes) => {
  try {
    return decodeURIComponent(bytes);
  } catch {
    return bytes;
  }
}));

/**
 * Finds an organization that the person may enter.
 * @param {State} state
 * @param {string | undefined} name
 */
export const isKnown = ({ organization, organizations }, name) => name !== undefined && (matches(organization, name) || (organizations ?? []).some((one) => matches(one, name)));

/**
 * Says why an organization is denied that is none: the page's address was read in another way
 * than it is written.
 * @param {State} state
 * @param {Pattern} pattern
 */
export function explainDenied(state, pattern) {
  if (state.status !== "denied") return;
  if (!/^[^/[]/.test(state.named)) return say(`the client was created with ${state.named[0] === "/" ? "a path" : "something else than a text"} as the organization: give it what organizationOf() returns`);
  const segments = segmentsOf(location.pathname);
  const named = pattern.read(new URL(location.href));
  if (!segments.includes(state.named)) return;
  if (named !== state.named) {
    return say(`the client was created with the organization "${state.named}" of this address, in which followRoutes reads ${named ? `"${named}"` : "none"}: give organizationOf and followRoutes the same pattern and except`);
  }
  const place = segments.indexOf(named);
  const meant = segments.slice(place + 1).find((segment) => isKnown(state, segment));
  if (meant) say(`the address names "${named}" as the organization, and "${meant}" follows it: if that is the organization, name the segments before it in the pattern, as in "/${segments.slice(0, place + 1).join("/")}/:organization/*"`);
}

/**
 * Says that addresses name an organization behind "#", where nothing reads it.
 * @param {State} state
 * @param {Pattern} pattern
 */
export function explainHash(state, pattern) {
  const { pathname, hash, origin } = location;
  const [, path] = hash.match(/^#!?(\/[^?#]*)/) ?? [];
  const named = path && pattern.read(new URL(origin + path));
  if (named && isKnown(state, named) && !pattern.read(new URL(origin + pathname))) {
    say(`the address names "${named}" behind "#", where followRoutes reads no organization: use the History API's router, not the hash router`);
  }
}

/**
 * Says that the page's router went to another organization, and the page did not tell the routes, as it
 * has to where it follows by hand.
 * @param {() => boolean} isSettled whether nothing was told, or all of it dealt with
 * @param {import("../../index.js").Client} client
 * @param {Pattern} pattern
 * @param {AbortSignal} signal
 */
export function explainManual(isSettled, client, pattern, signal) {
  const look = () => {
    const named = pattern.read(new URL(location.href));
    if (signal.aborted || !isSettled() || !named || !client.state.organization || matches(client.state.organization, named)) return;
    say(`the address names "${named}", and the tab is in "${client.state.organization.slug}": call routes.follow() when your router has arrived, or leave out manual`);
  };
  globalThis.navigation?.addEventListener("currententrychange", () => setTimeout(look, 3000), { signal });
}

/**
 * Says that `home` leads to another organization than it was asked for.
 * @param {string} url
 * @param {{id: string, slug: string, name: string}} organization
 * @param {Pattern} pattern
 */
export function explainHome(url, organization, pattern) {
  const named = pattern.read(new URL(url));
  if (named && !matches(/** @type {any} */ (organization), named)) {
    say(`home of followRoutes leads to ${url} for the organization "${organization.slug}", and that names "${named}": make the address of the slug or the id`);
  }
}

/**
 * Says that `navigate` put segments before the path that it was asked for.
 * @param {string} url
 * @param {Pattern} pattern
 */
export function explainNavigate(url, pattern) {
  const asked = new URL(url);
  const at = new URL(location.href);
  const before = at.pathname.slice(0, -asked.pathname.length);
  const meant = pattern.read(asked);
  const named = pattern.read(at);
  if (before && at.pathname === before + asked.pathname && meant && named && named !== meant) {
    say(`navigate of followRoutes was asked for ${asked.pathname} and went to ${at.pathname}, which names "${named}" as the organization: name the segments before it in the pattern, as in "${before}/:organization/*", or let navigate take off the router's base`);
  }
}

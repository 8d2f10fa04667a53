// @ts-check

import { requireList } from "./pattern.js";

/** An organization's slug, as the whole first label of a host. */
const LABEL = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * The organization that an address names by its host; undefined where it names none.
 * @param {string} pattern such as ":organization.app.example.com"
 * @param {readonly string[]} except labels in its place that name no organization
 * @param {URL} url
 */
export function readHost(pattern, except, { host }) {
  const rest = /^:organization(\.[^/:\s]+(?::\d+)?)$/.exec(pattern)?.[1];
  if (rest === undefined) throw new TypeError(`routes: "${pattern}" must be a host that begins with :organization, as in ":organization.app.example.com"`);
  requireList(except);
  if (!host.endsWith(rest)) return undefined;
  const label = host.slice(0, -rest.length);
  return LABEL.test(label) && !except.includes(label) ? label : undefined;
}

// @ts-check

import { noMembers, wellFormed } from "./json.js";

/**
 * @import { Actor, Claims } from "../index.js"
 * @import { Message } from "./jws.js"
 */

const texts = ["iss", "sub", "jti", "client_id", "sid", "org_id", "org_slug", "acr"];
const times = ["exp", "iat", "nbf", "auth_time", "evt"];
const lists = ["roles", "permissions", "amr"];
const int64 = [-(2n ** 63n), 2n ** 63n - 1n];

/**
 * Reads the claims of a payload. Names are exact (RFC 7519 section 4), null is as absent, and
 * a claim of another type is an error.
 * @param {Message} message
 * @returns {Claims}
 */
export function readClaims({ payload, claims }) {
  if (payload !== null && !claims) throw wrong("the payload");
  const { members, numbers } = claims ?? noMembers();
  /** @type {any} */
  const read = { __proto__: null, ...members };
  for (const name of texts) read[name] = text(members[name], name);
  for (const name of times) read[name] = time(members[name], numbers.get(name), name);
  for (const name of lists) read[name] = list(members[name], name);
  read.aud = typeof members.aud === "string" ? [wellFormed(members.aud)] : audience(members.aud);
  read.act = actor(members.act);
  read.cnf = members.cnf == null ? undefined : { jkt: text(object(members.cnf, "cnf").jkt, "cnf") };
  read.lent = flag(members.lent, "lent");
  for (const name of ["lent", "nbf", "auth_time", "acr", "act", "cnf", "evt"]) if (!read[name]) delete read[name];
  return Object.freeze(read);
}

/** @param {string} name */
const wrong = (name) => new TypeError(`${name} has the wrong type`);

/**
 * @param {unknown} value
 * @param {string} name
 */
function text(value, name) {
  if (value == null) return "";
  if (typeof value !== "string") throw wrong(name);
  return wellFormed(value);
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function flag(value, name) {
  if (value == null) return false;
  if (typeof value !== "boolean") throw wrong(name);
  return value;
}

/**
 * @param {unknown} value
 * @param {string | undefined} written
 * @param {string} name
 */
function time(value, written, name) {
  if (value == null) return 0;
  if (!written || !/^-?\d{1,19}$/.test(written)) throw wrong(name);
  const exact = BigInt(written);
  if (exact < int64[0] || exact > int64[1]) throw wrong(name);
  return Number(exact);
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function list(value, name) {
  if (value == null) return [];
  if (!Array.isArray(value)) throw wrong(name);
  return value.map((item) => text(item, name));
}

/** @param {unknown} value */
function audience(value) {
  const all = list(value, "aud");
  if (Array.isArray(value) && value.includes(null)) throw wrong("aud");
  return all;
}

/**
 * @param {any} value
 * @param {string} name
 */
function object(value, name) {
  if (typeof value !== "object" || Array.isArray(value)) throw wrong(name);
  return { __proto__: null, ...value };
}

/**
 * @param {unknown} value
 * @returns {Actor | undefined}
 */
function actor(value) {
  if (value == null) return undefined;
  const { sub, act } = object(value, "act");
  const previous = actor(act);
  return previous ? { sub: text(sub, "act"), act: previous } : { sub: text(sub, "act") };
}

/**
 * Reports whether the token carries a permission.
 * @param {Claims} claims
 * @param {string} permission
 */
export const allows = (claims, permission) => claims.permissions.includes(permission);

/**
 * Reports whether the token is for an organization, given by id or slug. A slug never begins
 * with org_. Bind rows by `org_id`: a slug may later belong to another organization.
 * @param {Claims} claims
 * @param {string | undefined | null} organization
 */
export function serves(claims, organization) {
  if (!organization) return false;
  return organization === (organization.startsWith("org_") ? claims.org_id : claims.org_slug);
}

/**
 * Reports whether the subject acts as staff of the workspace's operator, directly or through
 * a server.
 * @param {Claims} claims
 */
export function byStaff(claims) {
  for (let actor = claims.act; actor; actor = actor.act) if (actor.sub === claims.sub) return true;
  return false;
}

// @ts-check

import { textOf } from "./json.js";
import { parse, verifySignature } from "./jws.js";

/**
 * @import { Subject } from "../follow.js"
 * @import { PublicKey } from "./jws.js"
 * @typedef {{number: number, at: number, reason: string, subject: Subject, key: string}} Ending
 */

const maxBytes = 8 << 10;
const caep = "https://schemas.openid.net/secevent/caep/event-type/";
const subjectTypes = [caep + "session-revoked", caep + "token-claims-change"];
const keyWithdrawn = "https://github.com/tabard-auth/tabard/event-type/signing-key-withdrawn";

/**
 * Verifies a security event token (RFC 8417) of an issuer and returns its event. An authentic
 * event with a subject or of a type that this release does not know concerns the whole
 * workspace: what is not understood must not be passed over.
 * @param {string} raw
 * @param {string} issuer
 * @param {(kid: string) => Promise<PublicKey | undefined>} find
 * @returns {Promise<Ending>}
 */
export async function readEvent(raw, issuer, find) {
  const message = parse(raw, maxBytes), typ = textOf(message.header, "typ"), kid = textOf(message.header, "kid");
  if (typ.toLowerCase().replace(/^application\//, "") !== "secevent+jwt") throw new Error(`the event's typ is ${typ}, not secevent+jwt`);
  const key = await find(kid);
  if (!key) throw new Error(`the event's key ${kid} is unknown`);
  await verifySignature(message, key);
  const claims = message.claims?.members ?? {}, { iss, evt, iat, aud, events } = claims;
  if (iss !== issuer) throw new Error(`the event's iss is ${iss}, not ${issuer}`);
  if (!Number.isSafeInteger(evt) || evt <= 0 || !aud || typeof aud !== "string" || !Object.keys(events ?? {}).length) {
    throw new Error("the event lacks evt, aud or events");
  }
  return { number: evt, at: Number.isSafeInteger(iat) ? iat : 0, ...detailsOf(events, claims.sub_id) };
}

/**
 * @param {{[type: string]: any}} events
 * @param {any} subject
 */
function detailsOf(events, subject) {
  const [[type, details], ...more] = Object.entries(events);
  const withdrawn = Object.hasOwn(events, keyWithdrawn) ? events[keyWithdrawn]?.kid : undefined;
  const known = more.length === 0 && subjectTypes.includes(type) && subject?.format === "complex";
  return {
    reason: typeof details?.reason_admin?.en === "string" ? details.reason_admin.en : "",
    key: typeof withdrawn === "string" ? withdrawn : "",
    subject: known && !withdrawn ? complex(subject) : {},
  };
}

/**
 * Reads a complex subject (RFC 9493 section 3.2.8).
 * @param {any} members
 * @returns {Subject}
 */
function complex({ session, user, tenant, application }) {
  /** @type {{[name: string]: string}} */
  const subject = {};
  for (const [name, member] of Object.entries({ session, user, organization: tenant, app: application })) {
    const id = member?.format === "iss_sub" ? member.sub : member?.id;
    if (typeof id === "string" && id) subject[name] = id;
  }
  return subject;
}

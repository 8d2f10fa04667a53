// @ts-check

import { base64url, compactVerify } from "jose";

import { readJSON, textOf } from "./json.js";

/**
 * @import { JSONObject } from "./json.js"
 * @typedef {{raw: string, header: JSONObject, payload: any, claims: JSONObject | null}} Message
 * @typedef {{algorithm: string, key: CryptoKey}} PublicKey
 */

/** The algorithms that may sign access tokens. */
export const supported = ["ES256", "EdDSA", "RS256"];

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Decodes strict base64url without padding: one text for each value.
 * @param {string} part
 */
export function decodeBase64url(part) {
  const rest = part.length % 4;
  const unused = rest === 2 ? 15 : rest === 3 ? 3 : 0;
  if (/[^A-Za-z0-9_-]/.test(part) || rest === 1 || alphabet.indexOf(part.at(-1) ?? "A") & unused) {
    throw new SyntaxError("a part is not strict base64url");
  }
  return base64url.decode(part);
}

/**
 * Reads the compact serialization of a JWS of up to `most` bytes (RFC 7515 section 7.1). It
 * refuses any crit: no extension is supported. The signature is not verified yet.
 * @param {string} raw
 * @param {number} most
 * @returns {Message}
 */
export function parse(raw, most) {
  if (typeof raw !== "string" || raw.length > most) throw new SyntaxError(`it is not a JWS of up to ${most} bytes`);
  const parts = raw.split(".", 4);
  if (parts.length !== 3) throw new SyntaxError(`it is not a JWS of up to ${most} bytes`);
  const [head, body] = parts.map(decodeBase64url);
  const header = readJSON(head).object;
  if (!header) throw new SyntaxError("the header is not a JSON object");
  if ("crit" in header.members) throw new SyntaxError("the header has crit, which is not supported");
  const payload = readJSON(body);
  return { raw, header, payload: payload.value, claims: payload.object };
}

/**
 * Verifies the signature by the key's algorithm; the header never chooses one (RFC 8725
 * section 3.1).
 * @param {Message} message
 * @param {PublicKey} key
 */
export async function verifySignature(message, { algorithm, key }) {
  if (textOf(message.header, "alg") !== algorithm) throw new Error(`alg is not the key's, ${algorithm}`);
  await compactVerify(message.raw, key, { algorithms: [algorithm] });
}

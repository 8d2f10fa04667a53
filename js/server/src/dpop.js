// @ts-check

import { base64url, importJWK } from "jose";

import { normalized } from "./address.js";
import { noMembers, textOf } from "./json.js";
import { decodeBase64url, parse, verifySignature } from "./jws.js";

/**
 * A DPoP proof with a valid signature (RFC 9449 section 4): its maker has the private key of
 * `jkt`. It proves no more than that.
 * @typedef {{jkt: string, id: string, issuedAt: number, method: string, address: string, tokenHash: string}} Proof
 */

const maxBytes = 4 << 10, maxIDBytes = 128;
/** The private members of a JWK (RFC 7518 section 6): a proof with one of them discloses its key. */
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** @param {string} text */
const bytesOf = (text) => new TextEncoder().encode(text);

/**
 * The SHA-256 of a text.
 * @param {string} text
 */
export const sha256 = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(text)));

/**
 * Reads the value of the DPoP header and checks its form and signature.
 * @param {string} raw
 * @returns {Promise<Proof>}
 */
export async function readProof(raw) {
  const message = parse(raw, maxBytes);
  const { key, jkt } = await proofKey(message.header);
  await verifySignature(message, { algorithm: "ES256", key }); // a key in the proof does not fix the algorithm
  const claims = message.claims ?? noMembers();
  const iat = claims.members.iat;
  const proof = {
    jkt, id: textOf(claims, "jti"), issuedAt: Math.trunc(iat),
    method: textOf(claims, "htm"), address: textOf(claims, "htu"), tokenHash: textOf(claims, "ath"),
  };
  const size = bytesOf(proof.id).length;
  if (size === 0 || size > maxIDBytes) throw new Error(`jti must have 1 to ${maxIDBytes} bytes`);
  if (!proof.method || !proof.address) throw new Error("htm or htu is missing");
  if (typeof iat !== "number" || !(iat >= 1 && iat <= 2 ** 53)) throw new Error("iat is not in Unix seconds");
  return proof;
}

/** @param {import("./json.js").JSONObject} header */
async function proofKey(header) {
  if (textOf(header, "typ") !== "dpop+jwt") throw new Error("typ is not dpop+jwt");
  const jwk = { __proto__: null, ...header.members.jwk };
  if (jwk.kty !== "EC" || jwk.crv !== "P-256") throw new Error("jwk is not a P-256 key");
  for (const member of privateMembers) if (member in jwk) throw new Error(`jwk has the private member ${member}`);
  const { x, y } = jwk;
  for (const coordinate of [x, y]) {
    if (typeof coordinate !== "string" || decodeBase64url(coordinate).length !== 32) {
      throw new Error("a coordinate of jwk is not the base64url of 32 bytes");
    }
  }
  const key = /** @type {CryptoKey} */ (await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256"));
  return { key, jkt: base64url.encode(await sha256(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)) };
}

/**
 * Checks that a proof is for a request, and for its access token (ath). Query and fragment are
 * ignored (RFC 9449 section 4.3).
 * @param {Proof} proof
 * @param {{method: string, address: string, token: string}} request
 */
export async function covers(proof, { method, address, token }) {
  if (proof.method !== method) throw new Error("the proof is for another method");
  if (proof.address !== address) {
    const own = normalized(address);
    if (!own || normalized(proof.address) !== own) throw new Error("the proof is for another address");
  }
  if (proof.tokenHash !== base64url.encode(await sha256(token))) {
    throw new Error("the proof is for another access token, or has no ath");
  }
}

// @ts-check

import { SignJWT, base64url, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";

/** @import { DeviceKey, TestIssuer, TestIssuerOptions, TokenOptions } from "./testing.js" */

const lifetime = 300; // seconds

/**
 * Creates an issuer with keys of its own. See testing.d.ts.
 * @param {TestIssuerOptions} [options]
 * @returns {Promise<TestIssuer>}
 */
export async function createTestIssuer(options) {
  const {
    issuer = "https://app.example.com/auth", audience = "https://app.example.com/api", now = Date.now,
  } = options ?? {};
  const workspace = await generateKeyPair("ES256"), foreign = await generateKeyPair("ES256");
  /** @type {Map<string, CryptoKeyPair>} */
  const dedicated = new Map();
  const seconds = () => Math.floor(now() / 1000);

  const token = async (/** @type {string} */ organization, /** @type {TokenOptions} */ { roles = [], permissions = [], claims = {}, boundTo, age = 0 } = {}) => {
    const own = dedicated.get(organization), at = seconds() - age;
    return sign((own ?? workspace).privateKey, {
      iss: own ? `${issuer}/o/${organization}` : issuer, sub: "usr_test", aud: audience, iat: at, exp: at + lifetime,
      jti: crypto.randomUUID(), client_id: "app", sid: "ses_test", org_id: organization, org_slug: organization.replace(/^org_/, ""),
      roles, permissions, auth_time: at, acr: "", amr: [],
      ...(boundTo && { cnf: { jkt: boundTo.thumbprint } }), ...claims,
    });
  };
  return {
    issuer, audience, token,
    expired: (organization, rest) => token(organization, { age: 2 * lifetime + 60, ...rest }),
    foreign: async (organization, { claims, ...rest } = {}) => {
      const [, payload] = (await token(organization, { ...rest, claims: { iss: issuer, ...claims } })).split(".");
      return sign(foreign.privateKey, JSON.parse(new TextDecoder().decode(base64url.decode(payload))));
    },
    dedicate: async (organization) => void dedicated.set(organization, await generateKeyPair("ES256")),
    device: () => createDevice(seconds),
    fetch: async (/** @type {string} */ input) => {
      const place = String(input).replace(issuer, "");
      const [, organization] = /^\/o\/([^/]+)\/\.well-known\/jwks\.json$/.exec(place) ?? [];
      const keys = place === "/.well-known/jwks.json" ? workspace : dedicated.get(organization ?? "");
      if (!keys) return Response.json({ error: "not_found" }, { status: 404 });
      const jwk = await exportJWK(keys.publicKey);
      return Response.json({ keys: [{ ...jwk, kid: "test", alg: "ES256", use: "sig" }] });
    },
  };
}

/**
 * @param {CryptoKey} key
 * @param {any} claims
 */
const sign = (key, claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "test", typ: "at+jwt" }).sign(key);

/**
 * Creates the key of a browser.
 * @param {() => number} seconds
 * @returns {Promise<DeviceKey>}
 */
async function createDevice(seconds) {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const { kty, crv, x, y } = await exportJWK(publicKey);
  const proof = async (/** @type {string} */ token, /** @type {string} */ method, /** @type {string} */ url) => {
    const ath = base64url.encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
    const htu = url.split(/[?#]/, 1)[0];
    return new SignJWT({ jti: crypto.randomUUID(), htm: method, htu, iat: seconds(), ath })
      .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: /** @type {any} */ ({ kty, crv, x, y }) }).sign(privateKey);
  };
  return {
    thumbprint: await calculateJwkThumbprint({ kty, crv, x, y }),
    proof,
    headers: async (token, method, url) => ({ Authorization: `DPoP ${token}`, DPoP: await proof(token, method, url) }),
  };
}

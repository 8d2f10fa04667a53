// @ts-check
// The side of a worker, a frame or a helper that has a port from a page that lends it tokens.

/** @import { Borrowed } from "../borrow.js" */
/** @typedef {{token: string, bound: boolean, until: number, life: number}} Lent */

/** How long before its end a token is replaced, in milliseconds. */
const ahead = 15_000;

/**
 * The error of a page that refuses. It has the form of the client's.
 * @param {{code: string, action: string, description?: string}} refusal
 */
const errorOf = ({ code, action, description }) => Object.assign(new Error(description ?? code), { name: "TabardError", code, action });

/** @param {ArrayBuffer | Uint8Array} bytes */
const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/** @param {string} text */
const encoded = (text) => new TextEncoder().encode(text);

/** @param {string} text */
const digest = async (text) => base64url(await crypto.subtle.digest("SHA-256", encoded(text)));

/** A key of the borrower's own, which cannot be exported. */
async function newKey() {
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]));
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk = { crv, kty, x, y }; // in the order of a thumbprint (RFC 7638)
  return { sign: pair.privateKey, jwk, jkt: await digest(JSON.stringify(jwk)) };
}

/**
 * A proof for a request (RFC 9449 section 4.2).
 * @param {Awaited<ReturnType<typeof newKey>>} key
 * @param {string} token
 * @param {string} method
 * @param {URL} url
 */
async function proofOf(key, token, method, url) {
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk };
  const claims = { jti: crypto.randomUUID(), htm: method, htu: url.origin + url.pathname, iat: Math.floor(Date.now() / 1000), ath: await digest(token) };
  const text = [header, claims].map((part) => base64url(encoded(JSON.stringify(part)))).join(".");
  return `${text}.${base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.sign, encoded(text)))}`;
}

/**
 * See borrow.d.ts.
 * @param {MessagePort} port
 * @param {{key?: boolean}} [options]
 * @returns {Borrowed}
 */
export function borrow(port, options) {
  const key = options?.key ? newKey() : undefined, ended = new AbortController();
  /** @type {Map<number, {resolve(lent: Lent): void, reject(reason: unknown): void}>} */
  const waiting = new Map();
  let last = 0;
  /** @type {Promise<Lent> | undefined} */
  let held;
  const end = () => {
    const reason = Object.assign(errorOf({ code: "lent_ended", action: "stop", description: "the page no longer lends" }), { name: "AbortError" });
    ended.abort(reason);
    for (const { reject } of waiting.values()) reject(reason);
    port.close();
  };
  port.onmessage = ({ data }) => {
    const answer = { __proto__: null, ...data }, asked = waiting.get(answer.id);
    if (answer.ended) return end();
    waiting.delete(answer.id);
    if (typeof answer.token === "string") asked?.resolve({ token: answer.token, bound: answer.bound === true, until: performance.now() + answer.life, life: answer.life });
    else asked?.reject(errorOf(answer));
  };
  /** @returns {Promise<Lent>} */
  const ask = async () => {
    const id = ++last, jkt = (await key)?.jkt;
    ended.signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      port.postMessage({ id, jkt });
    });
  };
  const get = async () => {
    ended.signal.throwIfAborted();
    const known = await held?.catch(() => undefined);
    if (known && known.until - performance.now() > Math.min(ahead, known.life / 5)) return known;
    held = ask();
    return held;
  };
  return Object.freeze({
    signal: ended.signal,
    getToken: async () => (await get()).token,
    /** @type {typeof globalThis.fetch} */
    async fetch(input, init) {
      const { token, bound } = await get(), request = new Request(input, init), own = await key;
      request.headers.set("Authorization", `${bound ? "DPoP" : "Bearer"} ${token}`);
      if (bound && own) request.headers.set("DPoP", await proofOf(own, token, request.method, new URL(request.url)));
      return fetch(request, { cache: "no-store", signal: AbortSignal.any([request.signal, ended.signal]) });
    },
    end,
  });
}

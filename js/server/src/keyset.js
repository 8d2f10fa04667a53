// @ts-check

import { importJWK } from "jose";

import { wellFormed } from "./json.js";
import { decodeBase64url, supported } from "./jws.js";

/**
 * @import { PublicKey } from "./jws.js"
 * @import { Fetcher } from "../index.js"
 * @typedef {{fetch?: Fetcher, clock?: () => number, shared?: boolean}} FetchOptions
 */

/** Milliseconds. The least time between two attempts: pause, and retry after one that failed or, for a while, after `hurry`. */
export const pause = 10_000, retry = 1000, hurryFor = 60_000;
export const timeout = 5000, atOnce = 16;
const life = 10 * 60_000;
const maxBytes = 256 << 10;

/** On Workers, a request cannot wait for what another request began. */
export const onWorkers = globalThis.navigator?.userAgent === "Cloudflare-Workers";

/** A key set that is not there: 404. */
export class NotFoundError extends Error {}

/**
 * The published key set of an issuer, fetched when needed and cached. While the issuer cannot
 * be reached, it uses the cached keys without a time limit: no token can be minted there
 * meanwhile.
 */
export class KeySet {
  /** @type {Map<string, PublicKey>} */
  #keys = new Map();
  #good = -Infinity; // time of the last successful fetch
  #tried = -Infinity; // time of the last attempt
  /** @type {unknown} */
  #failed; // why the last attempt failed
  #hurried = -Infinity; // time of the last hurry
  /** @type {Promise<void> | undefined} */
  #current; // the attempt under way, if requests share it
  /** @type {number[]} */
  #begun = []; // when attempts began, if they do not

  /**
   * @param {string} url
   * @param {FetchOptions & {mayEnd?: boolean}} options `mayEnd`: an issuer without a key set has no keys, and is not unreachable
   */
  constructor(url, { fetch, clock = () => performance.now(), shared = !onWorkers, mayEnd = false }) {
    this.url = url;
    this.send = fetcher(fetch);
    this.clock = clock;
    this.shared = shared;
    this.mayEnd = mayEnd;
  }

  get empty() { return this.#keys.size === 0; }

  /** How long to wait until the next attempt. */
  get pause() { return this.#failed || this.clock() - this.#hurried < hurryFor ? retry : pause; }

  /** Lets an unknown id cause a fetch every second for a minute: a key was withdrawn, and one that was not published before signs. */
  hurry() {
    this.#hurried = this.clock();
  }

  /**
   * Returns the key with an id, and undefined if the issuer does not have it. It rejects if
   * the keys cannot be fetched. An unknown id causes a fetch, at most every 10 s. Keys that
   * are 10 min old are refreshed in the background; if they are 20 min old, the call waits.
   * @param {string} kid
   * @returns {Promise<PublicKey | undefined>}
   */
  async publicKey(kid) {
    const known = this.#keys.get(kid), age = this.clock() - this.#good;
    if (known && age < life) return known;
    const usable = known && (age < 2 * life || this.#failed);
    const attempt = this.#attempt(!usable);
    if (usable) return known;
    if (attempt) await inTime(attempt, 2 * timeout, `the key set at ${this.url} could not be fetched in time`);
    return this.#keys.get(kid) ?? this.missing();
  }

  /**
   * Fetches the keys now, however lately that was done. It is for what the issuer itself says, such as an event of its feed; what
   * somebody sends must not cause it. It never rejects.
   */
  refresh() {
    if (!this.shared) return this.fetchKeys();
    return (this.#current ??= this.fetchKeys().finally(() => (this.#current = undefined)));
  }

  /** Rejects if the set may be incomplete. */
  missing() {
    if (this.#failed) throw new Error(`the key set at ${this.url} could not be fetched: ${/** @type {any} */ (this.#failed).message}`);
    return undefined;
  }

  /**
   * Begins an attempt if one is due, and returns the one to wait for.
   * @param {boolean} waits
   */
  #attempt(waits) {
    const now = this.clock(), due = now - this.#tried >= this.pause;
    if (this.shared) {
      if (!this.#current && due) this.#current = this.fetchKeys().finally(() => (this.#current = undefined));
      return this.#current;
    }
    this.#begun = this.#begun.filter((at) => now - at < timeout);
    if (!due && (!waits || this.#begun.length === 0)) return undefined;
    if (this.#begun.length >= atOnce && !waits) return undefined;
    if (this.#begun.length >= atOnce) throw new Error("too many requests wait for the key set; try again");
    this.#begun.push(now);
    return this.fetchKeys().finally(() => (this.#begun = this.#begun.filter((at) => at !== now)));
  }

  /** Fetches the keys, for all callers that wait. It never rejects. */
  async fetchKeys() {
    this.#tried = this.clock();
    try {
      this.#keys = await this.#fetch();
      this.#good = this.clock();
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error;
      if (!(this.mayEnd && error instanceof NotFoundError)) return;
      [this.#keys, this.#good, this.#failed] = [new Map(), this.clock(), undefined];
    }
  }

  async #fetch() {
    const signal = AbortSignal.timeout(timeout);
    const answer = (async () => {
      const response = await this.send(this.url, { redirect: "manual", signal, headers: { Accept: "application/json" } });
      if (response.status === 404) throw new NotFoundError(`there is no key set at ${this.url}`);
      if (response.status !== 200) throw new Error(`${this.url} answers ${response.status}`);
      return parseKeySet(await limited(response, maxBytes));
    })();
    return inTime(answer, timeout, "no answer in time");
  }
}

/**
 * A function that fetches: the global one, another, or a Worker's service binding.
 * @param {Fetcher | undefined} given
 * @returns {(input: string, init: RequestInit) => Promise<Response>}
 */
export function fetcher(given) {
  if (!given) return (input, init) => globalThis.fetch(input, init);
  return typeof given === "function" ? (input, init) => given(input, init) : (input, init) => given.fetch(input, init);
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} ms
 * @param {string} text
 * @returns {Promise<T>}
 */
export async function inTime(promise, ms, text) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(text)), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Reads a body of a limited length.
 * @param {Response} response
 * @param {number} most in bytes
 */
export async function limited(response, most) {
  const reader = response.body?.getReader(), decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "", bytes = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return text + decoder.decode();
    if ((bytes += value.length) > most) {
      reader?.cancel();
      throw new Error(`the answer is longer than ${most} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/**
 * Reads the signature keys of a set. It ignores a key of an unknown type (RFC 7517 section 5),
 * one without an id or an algorithm, one that does not fit its algorithm, and all members of a
 * key that are not needed: one bad key costs that key. A set without usable keys is an error and
 * replaces nothing. Go reads sets alike, by the table in vectors/keysets.json.
 * @param {string} text
 */
export async function parseKeySet(text) {
  const set = JSON.parse(text);
  /** @type {Map<string, PublicKey>} */
  const keys = new Map();
  for (const jwk of Array.isArray(set?.keys) ? set.keys : [set]) {
    const { kid, alg, use = "sig" } = jwk ?? {};
    if (typeof kid !== "string" || !kid || !supported.includes(alg) || use !== "sig") continue;
    const key = await publicKey(jwk).catch(() => undefined);
    if (key) keys.set(wellFormed(kid), { algorithm: alg, key });
  }
  if (keys.size === 0) throw new Error("the key set has no signature key");
  return keys;
}

/** The least size of an RSA key in bytes (RFC 7518 section 3.3), and the longest exponent that Go takes. */
const rsaLeast = 2048 / 8, rsaLongestExponent = 4;

/**
 * Returns the key for its algorithm (RFC 7518 sections 3 and 6, RFC 8037 section 3.1). Its numbers
 * are written in one way: base64url without padding, of the curve's size or without zeros in front.
 * @param {any} jwk
 * @returns {Promise<CryptoKey | undefined>}
 */
async function publicKey({ alg, kty, crv, x, y, n, e }) {
  const point = (/** @type {unknown} */ text) => number(text).length === 32;
  /** @type {{[alg: string]: () => object | false}} */
  const needed = {
    ES256: () => kty === "EC" && crv === "P-256" && point(x) && point(y) && { kty, crv, x, y },
    EdDSA: () => kty === "OKP" && crv === "Ed25519" && point(x) && { kty, crv, x },
    RS256: () => kty === "RSA" && fitsRSA(number(n), number(e)) && { kty, n, e },
  };
  const members = needed[alg]();
  return members ? /** @type {Promise<CryptoKey>} */ (importJWK(members, alg)) : undefined;
}

/**
 * @param {Uint8Array} n
 * @param {Uint8Array} e
 */
function fitsRSA(n, e) {
  const long = n.length > rsaLeast || (n.length === rsaLeast && n[0] >= 0x80);
  const exponent = e.length < rsaLongestExponent || (e.length === rsaLongestExponent && e[0] < 0x80);
  return long && exponent && odd(n) && odd(e) && (e.length > 1 || e[0] > 1);
}

/**
 * Whether a number is odd and has no zeros in front.
 * @param {Uint8Array} bytes
 */
const odd = (bytes) => bytes.length > 0 && bytes[0] !== 0 && (bytes.at(-1) ?? 0) % 2 === 1;

/**
 * The bytes of a text in strict base64url, and none if it is written otherwise.
 * @param {unknown} text
 */
function number(text) {
  try {
    return typeof text === "string" ? decodeBase64url(text) : new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

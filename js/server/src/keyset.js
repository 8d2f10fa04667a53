// @ts-check

import { importJWK } from "jose";

import { supported } from "./jws.js";

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
  const reader = response.body?.getReader(), decoder = new TextDecoder();
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
 * one without an id or an algorithm, and one that does not fit its algorithm. A set without
 * usable keys is an error and replaces nothing.
 * @param {string} text
 */
export async function parseKeySet(text) {
  const set = JSON.parse(text);
  /** @type {Map<string, PublicKey>} */
  const keys = new Map();
  for (const jwk of Array.isArray(set?.keys) ? set.keys : [set]) {
    const { kid, alg, use = "sig" } = jwk ?? {};
    if (typeof kid !== "string" || !kid || !supported.includes(alg) || (use !== "" && use !== "sig")) continue;
    const key = await publicKey(jwk).catch(() => undefined);
    if (key) keys.set(kid, { algorithm: alg, key });
  }
  if (keys.size === 0) throw new Error("the key set has no signature key");
  return keys;
}

/** @param {import("jose").JWK} jwk */
async function publicKey({ alg, kty, crv, x, y, n, e }) {
  const fits = { ES256: kty === "EC" && crv === "P-256", EdDSA: kty === "OKP" && crv === "Ed25519", RS256: kty === "RSA" };
  if (!fits[/** @type {keyof typeof fits} */ (alg)]) return undefined;
  const members = kty === "EC" ? { x, y, crv } : kty === "OKP" ? { x, crv } : { n, e };
  const key = /** @type {CryptoKey} */ (await importJWK(/** @type {any} */ ({ kty, ...members }), alg));
  const { modulusLength = Infinity } = /** @type {Partial<RsaKeyAlgorithm>} */ (key.algorithm);
  return modulusLength < 2048 ? undefined : key; // RFC 7518 section 3.3
}

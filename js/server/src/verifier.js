// @ts-check

import { allows, readClaims, serves } from "./claims.js";
import { TokenError } from "./error.js";
import { textOf } from "./json.js";
import { parse, supported, verifySignature } from "./jws.js";
import { KeySet } from "./keyset.js";
import { KeySets } from "./keysets.js";

/**
 * @import { Claims, Demand, Inspected, VerifierOptions } from "../index.js"
 * @import { Message, PublicKey } from "./jws.js"
 */

/** The longest token that is accepted. Proxies accept no longer header. */
const maxBytes = 8 << 10;
/** An organization's id that answers can name in a header: visible ASCII (RFC 9110 section 5.5). */
const inHeaders = /^[!-~]+$/;
const maxLeeway = 60, defaultLeeway = 30; // seconds

/** @param {VerifierOptions} options */
export const createVerifier = (options) => new Verifier({ __proto__: null, ...options });

/** Verifies access tokens. See index.d.ts. */
export class Verifier {
  #options;
  #keys;
  /** @type {KeySets | undefined} */
  #organizations;
  /** The ids of signing keys that are refused. @type {Set<string>} */
  #withdrawn = new Set();

  /** @param {any} options */
  constructor(options) {
    const { issuer, audience, leeway = defaultLeeway, algorithms = ["ES256", "EdDSA"], now = Date.now } = options;
    for (const [name, value] of Object.entries({ issuer, audience })) {
      if (typeof value !== "string" || !value) throw new TypeError(`createVerifier needs ${name}, a text`);
    }
    if (!(leeway >= 0 && leeway <= maxLeeway)) throw new TypeError(`leeway ${leeway} is not between 0 and ${maxLeeway} seconds`);
    for (const algorithm of algorithms) {
      if (!supported.includes(algorithm)) throw new TypeError(`algorithm ${algorithm} is not supported: use ${supported.join(", ")}`);
    }
    const { fetch, clock, shared, jwksUri = `${issuer}/.well-known/jwks.json` } = options;
    this.#options = { issuer, audience, algorithms, dedicated: options.dedicated };
    this.#keys = new KeySet(jwksUri, { fetch, clock, shared });
    if (options.organizations) this.#organizations = new KeySets(issuer, { fetch, clock, shared });
    this.issuer = issuer;
    this.audience = audience;
    this.leeway = leeway;
    /** The time in milliseconds. */
    this.clock = /** @type {() => number} */ (now);
    this.now = () => Math.floor(now() / 1000);
  }

  /**
   * @param {string} token
   * @returns {Promise<Claims>}
   */
  async verify(token) {
    const { claims, error } = await this.inspect(token);
    if (!claims || error) throw error;
    if (claims.cnf) throw new TokenError("proof_required", { bound: true, organization: claims.org_id });
    return claims;
  }

  /**
   * @param {string} token
   * @param {string} organization
   */
  async verifyFor(token, organization) {
    const claims = await this.verify(token);
    if (!serves(claims, organization)) throw new TokenError("wrong_organization", { organization: claims.org_id });
    return claims;
  }

  /**
   * @param {string} token
   * @returns {Promise<Inspected>}
   */
  async inspect(token) {
    try {
      const claims = await this.#authentic(token);
      const error = this.#timely(claims);
      return error ? { claims, error } : { claims };
    } catch (error) {
      if (error instanceof TokenError) return { error };
      throw error;
    }
  }

  /**
   * A key of the issuer itself that is accepted.
   * @param {string} kid
   */
  async publicKey(kid) {
    return this.withdrawn(kid) ? undefined : this.#keys.publicKey(kid);
  }

  /**
   * A key that the issuer itself names, over a connection of its own: if it is unknown, the keys are fetched now.
   * @param {string} kid
   */
  async namedKey(kid) {
    const known = await this.publicKey(kid);
    if (known || this.withdrawn(kid)) return known;
    await this.#keys.refresh();
    return this.publicKey(kid);
  }

  /**
   * Refuses the tokens of a key from now on, whatever the key set still has.
   * @param {string} kid
   */
  withdraw(kid) {
    this.#withdrawn.add(kid);
    this.#keys.hurry();
    this.#organizations?.hurry();
  }

  /**
   * Whether the tokens of a key are refused.
   * @param {string} kid
   */
  withdrawn(kid) {
    return this.#withdrawn.has(kid);
  }

  /**
   * Checks that a verified token meets a demand.
   * @param {Claims} claims
   * @param {Demand} demand
   */
  meets(claims, demand) {
    const { permissions = [], maxAge = 0, acr = [], lent = false } = demand;
    const details = { demand, bound: !!claims.cnf, organization: claims.org_id };
    const closed = claims.lent && !permissions.length && !lent;
    if (closed || !permissions.every((permission) => allows(claims, permission))) throw new TokenError("insufficient_scope", details);
    const aged = maxAge > 0 && !((claims.auth_time ?? 0) > this.now() - Math.floor(maxAge) - this.leeway && claims.auth_time);
    if (aged || (acr.length > 0 && !acr.includes(claims.acr ?? ""))) throw new TokenError("insufficient_user_authentication", details);
  }

  /**
   * Checks everything except the times.
   * @param {string} token
   */
  async #authentic(token) {
    const message = malformedUnless(() => parse(token, maxBytes));
    if (!isAccessToken(textOf(message.header, "typ"))) throw new TokenError("wrong_type");
    const claims = malformedUnless(() => readClaims(message));
    const keys = this.#source(claims);
    if (!keys) throw new TokenError("wrong_issuer"); // the verifier does not accept the keys of this issuer
    await this.#verifySignature(message, keys);
    if (!claims.aud.includes(this.#options.audience)) throw new TokenError("wrong_audience");
    if (!claims.sub || !inHeaders.test(claims.org_id) || !claims.exp || !claims.iat) throw new TokenError("missing_claim");
    return claims;
  }

  /**
   * Returns how to find the keys for a token, according to its claims, which are not verified
   * yet. An organization's issuer signs for that organization only.
   * @param {Claims} claims
   * @returns {((kid: string) => Promise<PublicKey | undefined>) | undefined}
   */
  #source({ iss, org_id }) {
    const { issuer, dedicated } = this.#options, organizations = this.#organizations;
    if (iss === issuer) return dedicated?.(org_id) ? undefined : (kid) => this.#keys.publicKey(kid);
    const own = organizations && /^org_[A-Za-z0-9_-]{0,60}$/.test(org_id) && iss === `${issuer}/o/${org_id}`;
    return own ? (kid) => organizations.publicKey(org_id, kid) : undefined;
  }

  /**
   * Checks the signature. It only uses kid: no key or address in the token, and no algorithm
   * but the key's own.
   * @param {Message} message
   * @param {(kid: string) => Promise<PublicKey | undefined>} find
   */
  async #verifySignature(message, find) {
    const alg = textOf(message.header, "alg");
    if (!this.#options.algorithms.includes(alg)) throw new TokenError("bad_signature", { cause: `algorithm ${alg} is not allowed` });
    const kid = textOf(message.header, "kid");
    const key = await (this.withdrawn(kid) ? Promise.resolve(undefined) : find(kid)).catch((cause) => {
      throw new TokenError("keys_unavailable", { cause });
    });
    if (!key) throw new TokenError("unknown_key");
    await verifySignature(message, key).catch((cause) => {
      throw new TokenError("bad_signature", { cause });
    });
  }

  /** @param {Claims} claims */
  #timely({ iat, nbf = 0, exp, cnf, org_id }) {
    const now = this.now(), details = { bound: !!cnf, organization: org_id };
    if (iat > now + this.leeway || nbf > now + this.leeway) return new TokenError("not_yet_valid", details);
    if (exp <= now - this.leeway) return new TokenError("expired", details);
    return undefined;
  }
}

/** @param {string} typ */
const isAccessToken = (typ) => asciiLower(typ).replace(/^application\//, "") === "at+jwt";

/** @param {string} text */
const asciiLower = (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/**
 * @template T
 * @param {() => T} read
 * @returns {T}
 */
function malformedUnless(read) {
  try {
    return read();
  } catch (cause) {
    throw new TokenError("malformed", { cause });
  }
}

// @ts-check

import { base64url } from "jose";

import { normalized, pathOf } from "./address.js";
import { Admission } from "./admission.js";
import { byStaff, serves } from "./claims.js";
import { covers, readProof, sha256 } from "./dpop.js";
import { TokenError } from "./error.js";
import { refuse } from "./refusal.js";
import { Replays } from "./replays.js";

/**
 * @import { Claims, GuardOptions, Outcome, RequestLike, Rule } from "../index.js"
 * @import { Verifier } from "./verifier.js"
 * @typedef {{[name: string]: string | string[] | undefined}} Params
 * @typedef {{request: RequestLike, rule: Rule, resource: string, claims?: Claims}} Judgment
 */

/** The maximum age of a proof, in seconds: a proof is made for the one request that carries it. */
const proofLife = 60;
/** Limits the memory for the replays of one key. */
const maxProofs = 1 << 13;

/**
 * @param {Verifier} verifier
 * @param {GuardOptions} [options]
 */
export const createGuard = (verifier, options) => new Guard(verifier, /** @type {any} */ ({ __proto__: null, ...options }));

/** Lets requests with a valid access token pass. See index.d.ts. */
export class Guard {
  #verifier;
  #options;
  #baseURL;
  #replays;

  /**
   * @param {Verifier} verifier
   * @param {GuardOptions} options
   */
  constructor(verifier, options) {
    this.#verifier = verifier;
    this.#options = options;
    this.#baseURL = (options.baseURL ?? "").replace(/\/$/, "");
    if (this.#baseURL && !normalized(this.#baseURL)) throw new TypeError(`baseURL ${options.baseURL} is not an http address`);
    this.#replays = new Replays(proofLife + 2 * verifier.leeway, maxProofs);
  }

  /**
   * @param {Request} request
   * @param {Rule} [rule]
   * @param {Params} [params]
   */
  admit(request, rule = {}, params = {}) {
    return this.admitBy((judgment) => this.#inspect(judgment), request, rule, params);
  }

  /**
   * Is admit for a credential of another kind. read returns its claims, and sets those of an
   * authentic one even if it refuses it.
   * @param {(judgment: Judgment) => Promise<Claims>} read
   * @param {Request} request
   * @param {Rule} rule
   * @param {Params} params
   */
  async admitBy(read, request, rule, params) {
    const own = Object.hasOwn(params, rule.organization ?? "") ? params[rule.organization ?? ""] : undefined;
    /** @type {Judgment} */
    const judgment = { request, rule, resource: typeof own === "string" ? own : "" };
    try {
      await this.#judge(judgment, await read(judgment));
    } catch (error) {
      if (error instanceof TokenError) await this.#record(judgment, error);
      throw error;
    }
    await this.#record(judgment);
    const claims = /** @type {Claims} */ (judgment.claims);
    const mismatch = async (/** @type {string} */ resource) => {
      const error = new TokenError("wrong_organization", { organization: claims.org_id });
      await this.#record({ ...judgment, resource }, error);
      return error;
    };
    return Admission.of(claims, request, mismatch);
  }

  /**
   * @param {Rule} rule
   * @param {(request: Request, admission: Admission, ...rest: any[]) => Response | Promise<Response>} handler
   */
  protect(rule, handler) {
    return async (/** @type {Request} */ request, /** @type {any[]} */ ...rest) => {
      const params = (await rest[0]?.params) ?? {};
      return this.answer(() => this.admit(request, rule, params), (admission) => handler(admission.request, admission, ...rest));
    };
  }

  /**
   * Answers a request by a handler, and the refused one by refuse, also one that the handler
   * refuses itself.
   * @param {() => Promise<Admission>} admit
   * @param {(admission: Admission) => Response | Promise<Response>} handler
   */
  async answer(admit, handler) {
    try {
      const admission = await admit();
      return admission.respond(await handler(admission));
    } catch (error) {
      if (error instanceof TokenError) return refuse(error);
      throw error;
    }
  }

  /** @param {RequestLike} request */
  async verify(request) {
    return this.#inspect({ request, rule: {}, resource: "" });
  }

  /**
   * Rejects if what a token of before stands for has ended, or that cannot be told. It is for
   * what outlasts its request.
   * @param {Claims} claims
   */
  async standing(claims) {
    const details = { bound: !!claims.cnf, organization: claims.org_id };
    try {
      await this.#options.ready?.();
    } catch (cause) {
      throw new TokenError("endings_unknown", { cause, ...details });
    }
    if (await this.#options.ended?.(claims)) throw new TokenError("session_ended", details);
  }

  /**
   * The claims of an authentic token, and why it does not authorize. It takes no proof.
   * @param {string} token
   */
  inspect(token) {
    return this.#verifier.inspect(token);
  }

  /** The verifier, which knows the issuer, the audience and the time. */
  get verifier() {
    return this.#verifier;
  }

  /**
   * How long a token lives, in milliseconds, by the verifier's clock without its leeway.
   * @param {Claims} claims
   */
  lifeOf({ exp }) {
    return 1000 * exp - this.#verifier.clock();
  }

  /**
   * @param {Judgment} judgment
   * @param {Claims} claims
   */
  async #judge(judgment, claims) {
    const details = { bound: !!claims.cnf, organization: claims.org_id };
    if (judgment.rule.organization && !serves(claims, judgment.resource)) throw new TokenError("wrong_organization", details);
    await this.standing(claims);
    this.#verifier.meets(claims, judgment.rule);
  }

  /**
   * Returns the claims of the request's valid token. It sets those of an authentic token even if
   * it refuses it.
   * @param {Judgment} judgment
   */
  async #inspect(judgment) {
    const { request } = judgment;
    const { scheme, token } = authorization(request);
    const { claims, error } = await this.#verifier.inspect(token);
    judgment.claims = claims;
    if (!claims || error) throw error;
    const details = { bound: !!claims.cnf, organization: claims.org_id };
    if (!claims.cnf && scheme === "bearer") return claims;
    if (!claims.cnf) throw new TokenError("invalid_proof", { cause: "the token is not bound to a key", ...details });
    if (scheme !== "dpop") throw new TokenError("proof_required", details);
    await this.#prove(request, token, claims.cnf.jkt).catch((cause) => {
      throw new TokenError("invalid_proof", { cause, ...details });
    });
    return claims;
  }

  /**
   * Checks the request's proof against the key that its token is bound to.
   * @param {RequestLike} request
   * @param {string} token
   * @param {string} jkt
   */
  async #prove(request, token, jkt) {
    if (!this.#baseURL) throw new Error("the guard has no baseURL to compare proofs with");
    const proof = await readProof(request.headers.get("DPoP") ?? "");
    await covers(proof, { method: request.method, address: this.#baseURL + pathOf(request.url), token });
    const now = this.#verifier.now(), leeway = this.#verifier.leeway;
    if (proof.jkt !== jkt) throw new Error("the proof is signed by another key");
    if (proof.issuedAt > now + leeway || proof.issuedAt <= now - proofLife - leeway) throw new Error("the proof's iat is not recent");
    const name = new DataView((await sha256(proof.id)).buffer);
    this.#replays.use({ jkt, name: name.getUint16(0) * 2 ** 32 + name.getUint32(2), issuedAt: proof.issuedAt }, now);
  }

  /**
   * @param {Judgment} judgment
   * @param {TokenError} [error]
   */
  async #record({ request, rule, resource, claims }, error) {
    if (!this.#options.record) return;
    const mismatch = claims && (error?.reason === "wrong_organization" || (resource && !serves(claims, resource)));
    /** @type {Outcome} */
    const outcome = mismatch ? "alarm" : error ? "refused" : "allowed";
    const sum = claims?.sid ? base64url.encode((await sha256(claims.sid)).slice(0, 12)) : "";
    await this.#options.record({
      outcome, reason: error?.reason ?? "", session: sum, tokenOrganization: claims?.org_id ?? "",
      actor: claims?.act?.sub ?? "", staff: claims ? byStaff(claims) : false,
      resourceOrganization: resource, method: request.method, route: rule.route ?? "",
    });
  }
}

/**
 * Reads the single Authorization header. Fetch joins repeated headers with a comma, which no
 * token has.
 * @param {RequestLike} request
 */
function authorization(request) {
  const [, scheme = "", token = ""] = /^(\S+) ([^,]+)$/.exec(request.headers.get("Authorization") ?? "") ?? [];
  if (!token || !/^(bearer|dpop)$/i.test(scheme)) throw new TokenError("no_token");
  return { scheme: scheme.toLowerCase(), token };
}

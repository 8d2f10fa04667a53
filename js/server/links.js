// @ts-check

import { base64url, decodeProtectedHeader } from "jose";

import { pathOf, queryOf } from "./src/address.js";
import { TokenError } from "./src/error.js";
import { viewOf } from "./src/node.js";

/**
 * @import { Claims, RequestLike, Rule } from "./index.js"
 * @import { LinksOptions } from "./links.js"
 * @import { Admission } from "./src/admission.js"
 * @import { Guard } from "./src/guard.js"
 */

/** Seconds. How long a link opens by default, and the most. */
const linkLife = 60, maxLinkLife = 300;
const keySize = 32, nonceSize = 12, maxLink = 4 << 10; // bytes
const parameter = "link=", version = "tabard link 1";
/** What links are made for: paths and queries (RFC 3986) of which browsers escape and remove nothing, and methods (RFC 9110 section 9.1). */
const paths = /^\/(?!\/)(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/, dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i, queries = /^[!$-&(-;=?-~]*$/;
const methods = /^[A-Z0-9!#$%&'*+.^_`|~-]+$/;
const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

/**
 * @param {import("./index.js").Guard} guard
 * @param {LinksOptions} options
 */
export const createLinks = (guard, options) => new Links(/** @type {any} */ (guard), options);

/** Makes and serves addresses for requests that can send no Authorization header. See links.d.ts. */
class Links {
  #guard;
  #life;
  #keys;

  /**
   * @param {Guard} guard
   * @param {LinksOptions} options
   */
  constructor(guard, { keys, life = linkLife }) {
    if (!(life >= 1 && life <= maxLinkLife)) throw new TypeError(`a link's life of ${life} is not between 1 and ${maxLinkLife} seconds`);
    if (keys.length === 0 || keys.some((key) => key.byteLength !== keySize)) throw new TypeError(`a key of links is ${keySize} random bytes`);
    this.#guard = guard;
    this.#life = life;
    this.#keys = keys.map((key) => crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, ["encrypt", "decrypt"]));
  }

  /**
   * @param {Admission} admission
   * @param {string} method
   * @param {string} address
   */
  async make(admission, method, address) {
    const { claims } = admission, { kid } = signedBy(admission);
    if (!methods.test(method) || method === "HEAD") throw new TypeError(`${JSON.stringify(method)} is not a method such as GET, whose links open HEAD too`);
    const at = place(address), until = Math.min(this.#guard.verifier.now() + this.#life, claims.exp);
    const { exp, iat, sub, client_id, sid, org_id, org_slug, evt, act, lent } = claims;
    const text = JSON.stringify({ until, exp, iat, kid, sub, client_id, sid, org_id, org_slug, evt, act, lent });
    const iv = crypto.getRandomValues(new Uint8Array(nonceSize)), additionalData = this.#boundTo(method, at);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, await this.#keys[0], encode(text));
    const link = base64url.encode(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
    return `${at.path}?${at.query && `${at.query}&`}${parameter}${link}`;
  }

  /**
   * @param {Request} request
   * @param {Rule} [rule]
   * @param {{[name: string]: string | string[] | undefined}} [params]
   */
  async admit(request, rule = {}, params = {}) {
    const view = viewOf(request);
    const admission = await this.#guard.admitBy(async (judgment) => {
      const { until, kid, ...rest } = await this.#open(view), { issuer, audience } = this.#guard.verifier;
      /** @type {Claims} */
      const claims = { iss: issuer, aud: [audience], jti: "", roles: [], permissions: [], amr: [], ...rest };
      judgment.claims = claims;
      if (until <= this.#guard.verifier.now()) throw new TokenError("invalid_link", { organization: claims.org_id });
      if (this.#guard.verifier.withdrawn(kid)) throw new TokenError("unknown_key", { organization: claims.org_id });
      return claims;
    }, view, rule, params);
    admission.linked = true;
    return admission;
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
   * @param {() => Promise<Admission>} admit
   * @param {(admission: Admission) => Response | Promise<Response>} handler
   */
  answer(admit, handler) {
    return this.#guard.answer(admit, handler);
  }

  /**
   * What a link opens.
   * @param {string} method
   * @param {{path: string, query: string}} at
   */
  #boundTo(method, { path, query }) {
    const { issuer, audience } = this.#guard.verifier;
    return encode([version, issuer, audience, method === "HEAD" ? "GET" : method, path, query].join("\n"));
  }

  /**
   * What a request's link stands for.
   * @param {RequestLike} request
   */
  async #open({ method, url }) {
    const query = queryOf(url), at = query.lastIndexOf("&");
    const last = query.slice(at + 1), link = last.slice(parameter.length);
    const bytes = last.startsWith(parameter) && link.length <= maxLink ? decoded(link) : new Uint8Array();
    const additionalData = this.#boundTo(method, { path: pathOf(url), query: query.slice(0, Math.max(at, 0)) });
    const [iv, sealed] = [bytes.slice(0, nonceSize), bytes.slice(nonceSize)];
    for (const key of bytes.length > nonceSize ? this.#keys : []) {
      const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, await key, sealed).catch(() => undefined);
      if (text) return JSON.parse(new TextDecoder().decode(text));
    }
    throw new TokenError("invalid_link");
  }
}

/**
 * The header of the token that admitted a request.
 * @param {Admission} admission
 */
function signedBy({ linked, request }) {
  const [, token = ""] = (request.headers.get("Authorization") ?? "").split(" ");
  if (!token || linked) throw new TypeError("a link is made in a request that a guard let pass by an access token");
  return decodeProtectedHeader(token);
}

/**
 * The place of an address at the API, as requests name it.
 * @param {string} address
 */
function place(address) {
  const [path, ...rest] = address.split("?"), query = rest.join("?");
  if (!paths.test(path) || dotSegment.test(path) || !queries.test(query)) {
    throw new TypeError(`${JSON.stringify(address)} is not an escaped path with a query that browsers send as they are, such as /files/7?size=small`);
  }
  return { path, query };
}

/**
 * The bytes of a text in base64, or none if it is not written as {@link base64url.encode} does.
 * @param {string} text
 */
function decoded(text) {
  try {
    const bytes = base64url.decode(text);
    return base64url.encode(bytes) === text ? bytes : new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

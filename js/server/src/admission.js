// @ts-check

import { Tags } from "./tags.js";

/**
 * @import { Claims } from "../index.js"
 * @import { TokenError } from "./error.js"
 */

/** A request that a guard let pass. See index.d.ts. */
export class Admission {
  /** @type {Request} */
  #given;
  /** @type {Request | undefined} */
  #request;
  #mismatch;

  /**
   * @param {Claims} claims
   * @param {Request} given
   * @param {Tags} tags
   * @param {(organization: string) => Promise<TokenError>} mismatch
   */
  constructor(claims, given, tags, mismatch) {
    this.claims = claims;
    /** The id of the organization that the request acts for. */
    this.organization = claims.org_id;
    this.tags = tags;
    /** Whether a link admitted the request, and not a token. */
    this.linked = false;
    /**
     * Returns a signal that aborts when the request is over, if that is told. On Deno that of an
     * upgrade aborts when the WebSocket begins.
     * @type {() => AbortSignal | undefined}
     */
    this.over = /** @type {any} */ (given).over ?? (() => (given.headers.get("Upgrade") === null ? given.signal : undefined));
    this.#given = given;
    this.#mismatch = mismatch;
    this.match = this.match.bind(this); // handlers take it out
  }

  /**
   * @param {Claims} claims
   * @param {Request} given
   * @param {(organization: string) => Promise<TokenError>} mismatch
   */
  static async of(claims, given, mismatch) {
    return new Admission(claims, given, await Tags.of(claims), mismatch);
  }

  /** The request as handlers read it: its conditions are about their own entity tags. */
  get request() {
    return (this.#request ??= this.#withOwnConditions());
  }

  #withOwnConditions() {
    const given = this.#given;
    const changed = this.tags.conditions((name) => given.headers.get(name));
    if (changed.size === 0) return given;
    const headers = new Headers(given.headers);
    for (const [name, value] of changed) {
      if (value === undefined) headers.delete(name);
      else headers.set(name, value);
    }
    return /** @type {Request} */ (Reflect.construct(given.constructor, [given, { headers }]));
  }

  /** @param {string | null | undefined} organizationID */
  async match(organizationID) {
    if (organizationID && organizationID === this.organization) return;
    throw await this.#mismatch(organizationID ?? "");
  }

  /**
   * @param {Response} response
   * @returns {Response}
   */
  respond(response) {
    if (response.status < 200) return response; // an upgrade's headers cannot be changed
    const answer = new Response(response.body, response);
    mark(answer.headers, this);
    return answer;
  }
}

/**
 * Completes the headers of an answer: it names the token's organization, which pages of other
 * origins may read, is not stored unless the handler says so, and has entity tags of the
 * organization and person alone. The answer to a link asks browsers to send its address nowhere,
 * and to run no scripts of it unless the handler says so.
 * @param {Pick<Headers, "get" | "set">} headers
 * @param {{organization: string, tags: Tags, linked: boolean}} admission
 */
export function mark(headers, { organization, tags, linked }) {
  headers.set("Tabard-Organization", organization);
  add(headers, "Access-Control-Expose-Headers", "Tabard-Organization");
  const kept = headers.get("Cache-Control"), tag = headers.get("ETag");
  if (!kept) headers.set("Cache-Control", "no-store");
  else if (!kept.includes("no-store")) add(headers, "Vary", "Authorization");
  if (tag) headers.set("ETag", tags.add(tag));
  for (const [name, value] of linked ? ofLinks : []) if (!headers.get(name)) headers.set(name, value);
}

const ofLinks = [["Referrer-Policy", "no-referrer"], ["X-Content-Type-Options", "nosniff"], ["Content-Security-Policy", "sandbox"]];

/**
 * Adds a value to a list.
 * @param {Pick<Headers, "get" | "set">} headers
 * @param {string} name
 * @param {string} value
 */
function add(headers, name, value) {
  const list = headers.get(name);
  const known = list?.split(",").some((item) => item.trim().toLowerCase() === value.toLowerCase());
  if (!known) headers.set(name, list ? `${list}, ${value}` : value);
}

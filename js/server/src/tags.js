// @ts-check

import { base64url } from "jose";

import { sha256 } from "./dpop.js";

/** @import { Claims } from "../index.js" */

/** An entity tag that no handler makes. */
const foreign = '"of-another-organization-or-person"';
const listed = /(?:W\/)?"[^"]*"|[^\s,][^,]*/g;

/**
 * Entity tags of one person in one organization (RFC 9110 section 8.8.3). Browsers keep answers
 * by address, not by token: with equal tags, a 304 would bring another organization's body.
 */
export class Tags {
  /** @param {string} owner in which the tags end */
  constructor(owner) {
    this.owner = owner;
  }

  /** @param {Claims} claims */
  static async of({ org_id, sub }) {
    return new Tags(`-${base64url.encode((await sha256(`${org_id}\0${sub}`)).slice(0, 12))}`);
  }

  /**
   * The tag that is sent in place of the handler's.
   * @param {string} tag
   */
  add(tag) {
    if (this.#own(tag) !== undefined) return tag;
    return tag.endsWith('"') ? `${tag.slice(0, -1)}${this.owner}"` : tag + this.owner;
  }

  /**
   * The handler's tag, and undefined for one of another organization or person.
   * @param {string} tag
   */
  #own(tag) {
    const [text, end] = tag.endsWith('"') ? [tag.slice(0, -1), '"'] : [tag, ""];
    return text.endsWith(this.owner) ? text.slice(0, -this.owner.length) + end : undefined;
  }

  /**
   * Returns the headers of a request that handlers read differently, so that another organization's
   * or person's body never counts as fresh: undefined leaves one out. A date or a range does not
   * tell one body from the other.
   * @param {(name: string) => string | null | undefined} get
   */
  conditions(get) {
    /** @type {Map<string, string | undefined>} */
    const changed = new Map();
    for (const name of ["If-None-Match", "If-Match"]) {
      const tags = get(name)?.match(listed)?.map((tag) => tag.trim());
      if (tags) changed.set(name, tags.map((tag) => (tag === "*" ? tag : (this.#own(tag) ?? foreign))).join(", "));
    }
    const since = get("If-Range");
    if (since) {
      const own = this.#own(since.trim());
      changed.set("If-Range", own);
      if (own === undefined) changed.set("Range", undefined);
    }
    if (get("If-Modified-Since")) changed.set("If-Modified-Since", undefined);
    return changed;
  }
}

// @ts-check
// The person's answers to questions about leaving the organization, and has answered, so that
// the page's question and the router's blocker ask once between them.

import { own } from "../own.js";
import { matches } from "./result.js";

/** @import { Organization } from "../../index.js" */

export class Agreement {
  #pattern;
  /** The organization that the page was asked about, while the address changes to it. @type {Organization | null} */
  #asked = null;
  /** The organization that the person agreed to go to, although the router has kept the address so far. @type {Organization | null} */
  #agreedTo = null;
  /** Where the router's blocker asks about going: an organization as an address names it, or true for anywhere. @type {string | boolean} */
  #blocked = false;
  /** Whether the router's blocker need not ask: the person has agreed, or is led back. */
  given = false;

  /** @param {import("./pattern.js").Pattern} pattern */
  constructor(pattern) {
    this.#pattern = pattern;
  }

  /**
   * Whether the question about an organization is answered.
   * @param {string} named
   */
  covers(named) {
    return matches(this.#asked, named) || matches(this.#agreedTo, named) || this.#blocked === true || this.#blocked === named;
  }

  /**
   * The address is about to change to an organization that the page was asked about.
   * @param {Organization} organization
   * @param {boolean} agreed whether the person said so
   */
  begin(organization, agreed) {
    this.#asked = organization;
    this.given = agreed;
  }

  /** The router has been asked for the address. */
  settle() {
    this.given = false;
  }

  /**
   * The router is led back, for which it need not ask.
   * @param {() => Promise<void>} back
   */
  async during(back) {
    this.given = true;
    await back();
    this.given = false;
  }

  /** The address has changed, or did not. */
  end() {
    this.#asked = null;
  }

  /**
   * The person agreed, and the router's blocker asks the same again. They are not asked for a
   * third time.
   * @param {Organization} organization
   */
  keep(organization) {
    this.#agreedTo = organization;
    console.debug(`tabard: the router's blocker asks about ${organization.slug}, to which the person has agreed by beforeSwitch: use routes.blocker(…) to ask once`);
  }

  forget() {
    this.#agreedTo = null;
    this.#blocked = false;
  }

  /**
   * A router's blocker that asks nothing to which the person has agreed already. What it asks
   * about, the page need not ask again.
   * @template {any[]} Args
   * @param {(...args: Args) => boolean} blocks
   */
  blocker(blocks) {
    return (/** @type {Args} */ ...args) => {
      const { nextLocation, path } = own(args[0]);
      const next = nextLocation?.pathname ?? path;
      this.#blocked = !this.given && blocks(...args) && (typeof next !== "string" || (this.#pattern.read(new URL(next, location.href)) ?? true));
      return this.#blocked !== false;
    };
  }
}

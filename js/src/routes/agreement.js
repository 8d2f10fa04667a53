// @ts-check
// The person's answers to questions about leaving the organization, and has answered, so that
// the page's question and the router's blocker ask once between them.

import { own } from "../own.js";
import { isOfRouter } from "./address.js";
import { say } from "./mistakes.js";
import { matches } from "./result.js";

/** @import { Organization } from "../../index.js" */

/** @param {EventTarget | undefined} target */
const takesText = (target) => target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, label, input:not([type=submit], [type=button])"));

/** How long a page that was hidden may take to have its guard again, in milliseconds. */
const longest = 2000;

export class Agreement {
  #pattern;
  /** The organization that the page was asked about, while the address changes to it. @type {Organization | null} */
  #asked = null;
  /** The organization that the person agreed to go to, although the router has kept the address so far. @type {Organization | null} */
  #agreedTo = null;
  /** Where the router's blocker asks about going: an organization as an address names it, or true for anywhere. @type {string | boolean} */
  #blocked = false;
  /** The page's guard, which its router's blocker asks. @type {((...args: any[]) => boolean) | undefined} */
  #guard;
  /** Whether the person has pressed something since the blocker began to ask. */
  #answered = false;
  /** The address that the router goes to without asking the guard. @type {{url: string, patience: number} | undefined} */
  #waited;
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
    return this.#isAsked(named) || this.#blocked === true || this.#blocked === named;
  }

  /** @param {string} named */
  #isAsked(named) {
    return matches(this.#asked, named) || matches(this.#agreedTo, named);
  }

  /**
   * Whether a script has gone to an organization past the router, whose blocker asked about
   * the same before: it would ask again.
   * @param {string} named
   * @param {import("./address.js").Entry} entry where the page is
   * @param {import("./address.js").Entry} shown where it was
   */
  passes(named, entry, shown) {
    return this.covers(named) && !this.#isAsked(named) && !isOfRouter(entry, shown) && this.guards(new URL(entry.url));
  }

  /**
   * Whether the person has said that they go to an organization.
   * @param {Organization} organization
   */
  agreesTo({ id, slug }) {
    return this.given && (matches(this.#asked, id) || matches(this.#asked, slug));
  }

  /**
   * Whether the page's guard would keep an address from changing.
   * @param {URL} url
   */
  guards({ pathname, search, hash }) {
    try {
      return this.#guard?.({ currentLocation: location, nextLocation: { pathname, search, hash }, historyAction: "PUSH", path: pathname }) ?? false;
    } catch {
      return true; // a guard that needs more of the router: let the router ask it
    }
  }

  /**
   * The router is to ask the guard about an address. Returns how long it has to wait before, in
   * milliseconds: longer each time that it did not ask, and undefined where that is of no use.
   * @param {string} url
   */
  unheard(url) {
    const patience = this.#waited?.url === url ? 2 * this.#waited.patience : 50;
    this.#waited = patience < longest ? { url, patience } : undefined;
    return this.#waited?.patience;
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

  /**
   * From now on text that is typed is asked about. A question that is open is about it too, until the
   * person presses something that takes no text, which may be the answer.
   * @param {AbortSignal} signal
   */
  watch(signal) {
    const on = (/** @type {string} */ type, /** @type {(event: Event) => void} */ listener) => window.addEventListener(type, listener, { capture: true, signal });
    on("input", () => (this.#blocked === false || this.#answered) && (this.end(), this.forget()));
    on("click", (event) => (this.#answered ||= !takesText(event.composedPath()[0])));
  }

  forget() {
    this.#agreedTo = null;
    this.#blocked = false;
  }

  /** Address and tab agree: what the guard is asked from now on is about something else. */
  settled() {
    this.#waited = undefined;
  }

  /**
   * A router's blocker that asks nothing to which the person has agreed already. What it asks
   * about, the page need not ask again.
   * @template {any[]} Args
   * @param {(...args: Args) => boolean} blocks
   */
  blocker(blocks) {
    if (typeof blocks !== "function") throw new TypeError(`routes.blocker takes a function that says whether to ask, as in () => draft !== ""; given: ${blocks}`);
    this.#guard = /** @type {(...args: any[]) => boolean} */ (blocks);
    return (/** @type {Args} */ ...args) => {
      const { nextLocation, path } = own(args[0]);
      const next = nextLocation?.pathname ?? path;
      const named = typeof next === "string" ? this.#pattern.read(new URL(next, location.href)) : undefined;
      if (!this.given) this.#waited = undefined;
      const blocked = !this.given && blocks(...args);
      if (/** @type {unknown} */ (blocked) instanceof Promise) say("the function of routes.blocker returned a promise, which counts as a yes: let it say at once whether to ask");
      this.#blocked = blocked && (named ?? true);
      this.#answered = false;
      return this.#blocked !== false;
    };
  }
}

// @ts-check
// The addresses of organizations.

import { explainHome } from "./mistakes.js";
import { known, matches } from "./result.js";

/** @import { Client, Organization } from "../../index.js" */

/** Whether a name is an id: slugs never begin so. @param {string} name */
const isId = (name) => name.startsWith("org_");

export class Places {
  #client;
  #pattern;
  home;

  /**
   * @param {Client} client
   * @param {import("./pattern.js").Pattern} pattern
   * @param {(organization: Organization) => string} [home]
   */
  constructor(client, pattern, home) {
    this.#client = client;
    this.#pattern = pattern;
    this.home = home ?? (({ slug }) => pattern.home(slug));
  }

  /** The organization that the page's address names. */
  get named() {
    return this.#pattern.read(new URL(location.href));
  }

  /**
   * The page's address by the slug of the tab's organization, where it is named by the one before.
   * @param {string | undefined} before
   */
  renamed(before) {
    const { slug } = this.#client.state.organization ?? {};
    return slug && before && slug !== before && this.named === before ? this.#pattern.rename(new URL(location.href), slug) : undefined;
  }

  /**
   * Where an organization's pages begin, as an absolute address.
   * @param {Organization} organization
   */
  homeOf(organization) {
    const { href } = new URL(this.home(organization), location.href);
    explainHome(href, organization, this.#pattern);
    return href;
  }

  /**
   * The organization of a name: of one that the client has not listed, only that is known.
   * @param {string} name
   * @returns {Organization}
   */
  find(name) {
    const { organization, organizations } = this.#client.state;
    return [organization, ...(organizations ?? [])].find((o) => o && matches(o, name)) ?? known(name);
  }

  /**
   * Where a page for an organization begins: a new tab, or the one that a sign-in comes back to. At
   * an address that names another organization it would act for that one.
   * @param {string} name
   * @param {string | URL} [url] default: the page's own, or the organization's first
   */
  addressOf(name, url) {
    if (url === undefined) return this.pageOf(name);
    const { origin, href } = new URL(url, location.href);
    const named = origin === location.origin ? this.#pattern.read(new URL(href)) : undefined;
    const organization = this.find(name);
    if (named && !matches(organization, named) && (organization.id !== organization.slug || isId(name) === isId(named))) {
      throw new TypeError(`${url} is an address of ${named}, for which the tab would act, not for ${name}: give one of ${name}, such as ${this.home(organization)}, or none`);
    }
    return url;
  }

  /**
   * Where a step-up for an organization leads: the page would not be in it at an address that
   * names another.
   * @param {string} name
   */
  pageOf(name) {
    const { named } = this;
    const organization = this.find(name);
    return !named || matches(organization, named) ? location.href : this.homeOf(organization);
  }
}

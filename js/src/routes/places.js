// @ts-check
// The addresses of organizations.

import { explainHome } from "./mistakes.js";
import { known, matches } from "./result.js";

/** @import { Client, Organization } from "../../index.js" */

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
   * Where an organization's pages begin, as an absolute address.
   * @param {Organization} organization
   */
  homeOf(organization) {
    const { href } = new URL(this.home(organization), location.href);
    explainHome(href, organization, this.#pattern);
    return href;
  }

  /**
   * Where a step-up for an organization leads: the page would not be in it at an address that
   * names another.
   * @param {string} name
   */
  pageOf(name) {
    const { named } = this;
    const organization = this.#client.state.organizations?.find((o) => matches(o, name)) ?? known(name);
    return !named || matches(organization, named) ? location.href : this.homeOf(organization);
  }
}

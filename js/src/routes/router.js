// @ts-check
// The page's router, as far as the routes know it: by the function that the page gave, or by
// the History API.

import { change, recall, request } from "./address.js";

/** @import { RouteOptions } from "../../routes.js" */

/**
 * Says what a function lacks that neither changed the address nor returned anything.
 * @param {string} url
 * @param {string} before
 */
function explainSilence(url, before) {
  if (url !== before && location.href === before) console.warn(`tabard: navigate of followRoutes was asked for ${url}, returned nothing and left the address: let it change the address, and return your router's promise`);
}

export class Router {
  #navigate;

  /** @param {RouteOptions["navigate"]} navigate */
  constructor(navigate) {
    this.#navigate = navigate;
  }

  /**
   * @param {string} url
   * @param {boolean} replace
   */
  navigate(url, replace) {
    if (!this.#navigate) return change(url, replace);
    const answer = this.#navigate(url, { replace });
    if (!answer) setTimeout(explainSilence, 1500, url, location.href);
    return answer;
  }

  /** Leads a router back that is ahead of the address, until it is there as far as it tells. */
  recall() {
    return this.#navigate ? request(() => this.navigate(location.href, true), location.href) : recall();
  }
}

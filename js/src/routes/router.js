// @ts-check
// The page's router, as far as the routes know it: by the function that the page gave, or by
// the History API.

import { change, recall, request } from "./address.js";

/** @import { RouteOptions } from "../../routes.js" */

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
    return this.#navigate ? this.#navigate(url, { replace }) : change(url, replace);
  }

  /** Leads a router back that is ahead of the address, until it is there as far as it tells. */
  recall() {
    return this.#navigate ? request(() => this.navigate(location.href, true), location.href) : recall();
  }
}

// @ts-check

/** @import { RouteState } from "../../routes.js" */

export const settled = Object.freeze({ status: /** @type {const} */ ("settled") });

/** The state of the routes, and who listens to it. */
export class Published {
  /** @type {Set<(state: RouteState) => void>} */
  #listeners = new Set();
  /** @type {RouteState} */
  state = settled;

  /** @param {RouteState} state */
  set(state) {
    if (state === this.state) return;
    this.state = Object.freeze(state);
    for (const listener of this.#listeners) queueMicrotask(() => this.#listeners.has(listener) && listener(this.state));
  }

  /** @param {(state: RouteState) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close() {
    this.#listeners.clear();
  }
}

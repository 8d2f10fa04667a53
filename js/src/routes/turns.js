// @ts-check

/** @import { SwitchResult } from "../../index.js" */

import { none } from "./result.js";

/** The changes of route, of which the last one counts. */
export class Turns {
  #last = 0;
  #signal;
  /** Whether a change of the last turn is under way. */
  busy = false;
  /** How the tab came to follow an address in the last turn. @type {Promise<SwitchResult | undefined>} */
  followed = none;

  /** @param {AbortSignal} signal ends the last one too */
  constructor(signal) {
    this.#signal = signal;
  }

  /** @param {boolean} busy whether a return to where the tab is overtakes it */
  begin(busy) {
    this.busy = busy;
    this.followed = none;
    return ++this.#last;
  }

  /** @param {number} turn */
  isLast(turn) {
    return turn === this.#last;
  }

  /** @param {number} turn */
  isCurrent(turn) {
    return this.isLast(turn) && !this.#signal.aborted;
  }
}

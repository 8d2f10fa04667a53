// @ts-check

import { currentEntry } from "./address.js";
import { isStill } from "./result.js";

/** @import { Client } from "../../index.js" */

/** Where address and tab last agreed. */
export class Standing {
  #client;
  /** The address as last seen. */
  seen = "";
  /** The last entry that belonged to the tab's organization. @type {import("./address.js").Entry} */
  shown = { url: "", state: null, key: undefined };
  /** The id of the organization that was active. @type {string | undefined} */
  active;
  /** Its slug as last seen. @type {string | undefined} */
  slug;

  /** @param {Client} client */
  constructor(client) {
    this.#client = client;
  }

  /** Whether the tab is still of that organization. */
  get isStill() {
    return isStill(this.#client.state, this.active);
  }

  /** Records that the address names the tab's organization. */
  mark() {
    this.shown = currentEntry();
    this.seen = this.shown.url;
    this.active = this.#client.state.organization?.id;
    this.slug = this.#client.state.organization?.slug;
  }
}

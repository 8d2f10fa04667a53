// @ts-check

import { deferred } from "./deferred.js";
import { own } from "./own.js";
import { partitionKey, personOf, scopeOf } from "./scope.js";

/** @import { State } from "../index.js" */

/** The state before anything is known. */
export const initialState =
  '{"status":"starting","fence":0,"organization":null,"user":null,"roles":[],"permissions":[],"organizations":null,"error":null,"deviceBound":false,"idle":null}';

/** The tab's last state of the module, with the scopes that follow from it. */
export class Store {
  #text = "";
  #notifying = false;
  #failed = false;
  /** @type {ReturnType<typeof deferred<void>>} */
  #ready = deferred();
  /** @type {Set<(state: State) => void>} */
  #listeners = new Set();
  /** The scopes of second organizations. @type {Map<string, import("./scope.js").Scope>} */
  #others = new Map();

  ready = this.#ready.promise;
  partition = scopeOf("");
  /** @type {State} */
  state;

  /** Enters an organization. @type {import("./routes/hook.js").Switch} */
  #enter;

  /**
   * @param {string} json the state to begin with
   * @param {import("./routes/hook.js").Switch} enter
   */
  constructor(json, enter) {
    this.#enter = enter;
    this.state = this.#read(json);
    this.changed(json);
  }

  /**
   * The state of the module's text. An organization that the tab did not enter is "denied",
   * and entered by the step-up that it demands.
   * @param {string} json
   * @returns {State}
   */
  #read(json) {
    const { denied, ...state } = own(JSON.parse(json));
    if (denied) Object.assign(state, { status: "denied", named: denied });
    if (denied && state.error?.action === "step_up") {
      state.continue = async (/** @type {{returnTo?: string | URL}} */ options) => {
        const result = await this.#enter(denied);
        if (result.status === "step_up_required") await result.continue(options);
        return result;
      };
    }
    return freeze(state);
  }

  /** @param {string} json */
  changed(json) {
    if (json === this.#text) return;
    this.#text = json;
    const before = this.state;
    this.state = this.#read(json);
    this.#rescope(before);
    if (this.state.status !== "starting") this.#ready.resolve();
    if (!this.#notifying) queueMicrotask(() => this.#notify());
    this.#notifying = true;
  }

  /**
   * Shows that the module does not run, if it never sent a state, and if it never will.
   * @param {any} error
   */
  failed({ code, action, message }) {
    if (this.state.status !== "starting" && !(this.#failed && action === "stop")) return;
    this.#failed = true;
    this.changed(JSON.stringify({ ...this.state, status: "unavailable", error: { code, action, description: message } }));
  }

  /** @param {State} before */
  #rescope(before) {
    const key = partitionKey(this.state);
    if (this.state.fence !== before.fence || key !== this.partition.key) {
      this.partition.abort();
      this.partition = scopeOf(key);
    }
    if (personOf(before) && personOf(this.state) !== personOf(before)) this.#abortOthers();
  }

  #notify() {
    this.#notifying = false;
    for (const listener of this.#listeners) {
      try {
        listener(this.state);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** @param {(state: State) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The scope of a second organization.
   * @param {string} name
   */
  scope(name) {
    const scope = this.#others.get(name) ?? scopeOf(name);
    this.#others.set(name, scope);
    return scope;
  }

  /** @param {string} name */
  endScope(name) {
    this.#others.get(name)?.abort();
    this.#others.delete(name);
  }

  #abortOthers() {
    for (const name of [...this.#others.keys()]) this.endScope(name);
  }

  close() {
    this.#listeners.clear();
    this.partition.abort();
    this.#abortOthers();
  }
}

/** @param {any} value */
export function freeze(value) {
  if (value && typeof value === "object") Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

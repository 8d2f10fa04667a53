// @ts-check

import { deferred } from "./deferred.js";
import { problemOf } from "./error.js";
import { freeze } from "./freeze.js";
import { listen } from "./listeners.js";
import { own } from "./own.js";
import { partitionKey, personOf, scopeOf } from "./scope.js";

/** @import { State } from "../index.js" */
/** @typedef {ReturnType<typeof storeOf>} Store */

/** The state before anything is known. */
export const initialState =
  '{"status":"starting","fence":0,"organization":null,"user":null,"roles":[],"permissions":[],"organizations":null,"error":null,"deviceBound":false,"idle":null}';

/**
 * The tab's last state of the module, with the scopes that follow from it.
 * @param {string} json the state to begin with
 * @param {(organization: string, options: unknown) => Promise<unknown>} enter enters an organization that asks for a step-up
 */
export function storeOf(json, enter) {
  let text = "";
  let notifying = false;
  let failed = false;
  /** @type {boolean | undefined} */
  let guessed;
  let partition = scopeOf("");
  /** @type {ReturnType<typeof deferred<void>>} */
  const ready = deferred();
  /** @type {Set<(state: State) => void>} */
  const listeners = new Set();
  /** The scopes of second organizations. @type {Map<string, import("./scope.js").Scope>} */
  const others = new Map();
  let state = read(json);

  /**
   * The state of the module's text. An organization that the tab did not enter is "denied",
   * and entered by the step-up that it demands.
   * @param {string} json
   * @returns {State}
   */
  function read(json) {
    const { denied, ...state } = own(JSON.parse(json));
    if (denied) Object.assign(state, { status: "denied", named: denied });
    if (denied && state.error?.action === "step_up") state.continue = (/** @type {unknown} */ options) => enter(denied, options);
    return freeze(state);
  }

  /**
   * @param {string} json
   * @param {boolean} [isGuess] it counts until the module says how it is
   */
  function changed(json, isGuess) {
    guessed = isGuess;
    if (json === text) return;
    text = json;
    const before = state;
    state = read(json);
    rescope(before);
    if (state.status !== "starting") ready.resolve();
    if (!notifying) queueMicrotask(notify);
    notifying = true;
  }

  /** @param {State} before */
  function rescope(before) {
    const key = partitionKey(state);
    if (state.fence !== before.fence || key !== partition.key) {
      partition.abort();
      partition = scopeOf(key);
    }
    if (personOf(before) && personOf(state) !== personOf(before)) abortOthers();
  }

  function notify() {
    notifying = false;
    for (const listener of listeners) {
      try {
        listener(state);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** @param {string} name */
  function endScope(name) {
    others.get(name)?.abort();
    others.delete(name);
  }

  const abortOthers = () => [...others.keys()].forEach(endScope);

  changed(json);
  return {
    ready: ready.promise,
    get state() {
      return state;
    },
    get partition() {
      return partition;
    },
    changed,
    /**
     * Shows that the module does not run, if it never sent a state, and if it never will.
     * @param {any} error
     */
    failed(error) {
      if (state.status !== "starting" && !guessed && !(failed && error.action === "stop")) return;
      failed = true;
      changed(JSON.stringify({ ...state, status: "unavailable", error: problemOf(error) }));
    },
    /** @param {(state: State) => void} listener */
    subscribe: (listener) => listen(listeners, listener),
    /**
     * The scope of a second organization.
     * @param {string} name
     */
    scope(name) {
      const scope = others.get(name) ?? scopeOf(name);
      others.set(name, scope);
      return scope;
    },
    endScope,
    close() {
      listeners.clear();
      partition.abort();
      abortOthers();
    },
  };
}

// @ts-check
// The face: what a page calls. It answers from the tab's record until the module
// runs, and asks the module from then on.

import { TabardError } from "./error.js";
import { fetchFor } from "./fetch.js";
import { deferred, startModule } from "./module.js";
import { living } from "./record.js";

/** @import { Client, Options, State, SwitchResult } from "../index.js" */

/** Where this file was loaded from, if the backend serves it. */
const servedBy = import.meta.url?.match(/^(https?:.*)\/client\/tabard\.js$/)?.[1];

const begin = '{"status":"starting","fence":0,"organization":null,"user":null,"roles":[],"permissions":[],"organizations":null,"error":null,"deviceBound":false}';

/**
 * @param {Options} [options]
 * @returns {Client}
 */
export function createClient(options = {}) {
  const base = options.backend ?? servedBy;
  if (base === undefined) throw new TypeError("createClient: option backend is missing, as in createClient({ backend: \"/auth\" })");
  return typeof document === "undefined" ? prerendered() : client(base, options);
}

/**
 * @param {string} base
 * @param {Options} options
 * @returns {Client}
 */
function client(base, options) {
  const backend = new URL(base, document.baseURI).href.replace(/\/+$/, "");
  const key = "tabard:" + backend;
  const organization = options.organization ?? takeParameter("tabard_organization");
  const arrival = takeParameter("tabard_error");
  const apis = (options.apis ?? [location.origin]).map((url) => new URL(url, location.href).origin);
  /** @type {Set<(state: State) => void>} */
  const listeners = new Set();
  const closing = new AbortController();
  /** @type {ReturnType<typeof deferred<void>>} */
  const ready = deferred();

  let text = "";
  /** @type {State} */
  let state;
  let partition = scopeOf("");
  let person = "";
  let notifying = false;
  /** @type {Map<string, ReturnType<typeof scopeOf>>} */
  const others = new Map();

  /** @param {string} json */
  function changed(json) {
    if (json === text) return;
    text = json;
    const next = freeze(JSON.parse(json));
    const key = partitionKey(next);
    if (next.fence !== state?.fence || key !== partition.key) {
      partition.abort();
      partition = scopeOf(key);
    }
    const signedIn = personOf(next);
    if (person && signedIn !== person) abortOthers();
    person = signedIn;
    state = next;
    if (state.status !== "starting") ready.resolve();
    if (!notifying) queueMicrotask(notify);
    notifying = true;
  }

  function abortOthers() {
    for (const scope of others.values()) scope.abort();
    others.clear();
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

  const early = living(key, organization);
  changed(early ? early.state : begin);

  /** @type {BroadcastChannel | undefined} */
  let channel;
  const openChannel = () => {
    if (typeof BroadcastChannel === "undefined") return;
    channel = new BroadcastChannel(key);
    channel.onmessage = ({ data }) => module.tell("hear", String(data));
  };
  openChannel();

  const module = startModule(options.module ?? backend + "/client/module.json", {
    options: { backend, key, organization, arrival, app: options.app, keepAlive: options.keepAlive },
    changed,
    send: (message) => channel?.postMessage(message),
    failed(error) {
      if (state.status !== "starting") return;
      const { code, action, message } = /** @type {TabardError} */ (error);
      changed(JSON.stringify({ ...state, status: "unavailable", error: { code, action, description: message } }));
    },
  });

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  const on = (target, type, listener) => target.addEventListener(type, listener, { signal: closing.signal });
  on(document, "visibilitychange", () => module.tell(document.visibilityState === "hidden" ? "hide" : "look"));
  on(window, "focus", () => module.tell("look"));
  on(window, "online", () => module.tell("look", "online"));
  on(window, "pagehide", () => {
    module.tell("freeze");
    channel?.close();
  });
  on(window, "pageshow", (event) => {
    if (!event.persisted) return;
    openChannel();
    module.tell("thaw");
  });

  /** @param {string} [rejected] */
  const getToken = async (rejected) => {
    const token = !module.running && !rejected && living(key, organization)?.token;
    return token || module.ask("token", "", rejected ?? "");
  };

  /** @param {string | URL} [url] */
  const absolute = (url) => new URL(url ?? location.href, location.href).href;

  /**
   * @param {string} name
   * @returns {Promise<SwitchResult>}
   */
  async function switchOrganization(name) {
    const { loginUrl, ...result } = JSON.parse(await module.ask("switch", required(name)));
    if (result.status === "step_up_required") {
      result.continue = (/** @type {{returnTo?: string | URL}} */ { returnTo } = {}) =>
        module.ask("stepUp", name, loginUrl, absolute(returnTo)).then(() => {});
    }
    return result;
  }

  /** @param {string} name */
  function inOrganization(name) {
    const scope = others.get(required(name)) ?? scopeOf(name);
    others.set(name, scope);
    const token = async (rejected = "") => {
      scope.signal.throwIfAborted();
      try {
        return await module.ask("token", name, rejected);
      } catch (error) {
        if (error instanceof TabardError && error.action !== "retry") {
          scope.abort();
          others.delete(name);
        }
        throw error;
      }
    };
    return Object.freeze({
      getToken: () => token(),
      fetch: fetchFor({ apis, scope: () => scope, token }),
      signal: scope.signal,
    });
  }

  /** @type {Client} */
  const face = {
    ready: ready.promise,
    get state() {
      return state;
    },
    get partition() {
      return partition.view;
    },
    signIn: async ({ organization: name = "", returnTo } = {}) => {
      await module.ask("signIn", name, absolute(returnTo));
    },
    getToken: () => getToken(),
    fetch: fetchFor({ apis, scope: () => partition, token: getToken }),
    switchOrganization,
    inOrganization,
    organizations: async () => freeze(JSON.parse(await module.ask("organizations"))),
    openTab(name, url) {
      const target = new URL(absolute(url));
      target.searchParams.set("tabard_organization", required(name));
      window.open(target, "_blank", "noopener");
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    signOut: async ({ scope = "session" } = {}) => {
      const endSessionUrl = await module.ask("signOut", scope);
      return endSessionUrl ? { endSessionUrl } : {};
    },
    close() {
      closing.abort();
      listeners.clear();
      module.close();
      channel?.close();
      partition.abort();
      abortOthers();
    },
  };
  return Object.freeze(face);
}

/**
 * The client while a page is rendered on a server: it never leaves "starting".
 * @returns {Client}
 */
function prerendered() {
  const state = freeze(JSON.parse(begin));
  const scope = scopeOf("");
  const not = async () => {
    throw new TabardError("not_in_browser", "stop", "a page that is rendered on a server has no tab");
  };
  return Object.freeze({
    ready: new Promise(() => {}),
    state,
    partition: scope.view,
    signIn: not,
    getToken: not,
    fetch: not,
    switchOrganization: not,
    inOrganization: () => ({ getToken: not, fetch: not, signal: scope.signal }),
    organizations: not,
    openTab() {},
    subscribe: () => () => {},
    signOut: not,
    close() {},
  });
}

/**
 * A scope for what belongs to an organisation: its key, and a signal that ends
 * with it.
 * @param {string} key
 */
function scopeOf(key) {
  const controller = new AbortController();
  const { signal } = controller;
  return { key, signal, view: Object.freeze({ key, signal }), abort: () => controller.abort() };
}

/**
 * The key of the data that may be shown; empty where none may.
 * @param {State} state
 */
function partitionKey({ status, user, organization }) {
  const shown = status === "active" || status === "unavailable" || status === "starting";
  return shown && user && organization ? `${user.id}/${organization.id}` : "";
}

/** @param {State} state */
function personOf({ status, user, error }) {
  return status === "signed_out" || error?.code === "identity_changed" ? "" : (user?.id ?? "");
}

/**
 * Reads a parameter of the page's address and takes it away.
 * @param {string} name
 */
function takeParameter(name) {
  const url = new URL(location.href);
  const value = url.searchParams.get(name);
  if (value === null) return undefined;
  url.searchParams.delete(name);
  history.replaceState(history.state, "", url);
  return value;
}

/** @param {string} name */
function required(name) {
  if (!name || typeof name !== "string") throw new TypeError("an organisation's id or slug is required");
  return name;
}

/** @param {any} value */
function freeze(value) {
  if (value && typeof value === "object") Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

// @ts-check
// The client that a page calls. It serves tokens from the record until the module
// runs, and calls the module from then on.

import { sharedClient } from "./clients.js";
import { left, takeArrival } from "./arrival.js";
import { problemOf, TabardError } from "./error.js";
import { manifest, servedBy } from "./exec.js";
import { explain } from "./failures.js";
import { fetchFor, tokenOf } from "./fetch.js";
import { freeze } from "./freeze.js";
import { gateOf } from "./gate.js";
import { startModule } from "./module.js";
import { requireName } from "./arguments.js";
import { callsOf } from "./ondemand.js";
import { own } from "./own.js";
import { absolute, addressFor, connectTabs, takeParameter, afterPrerendering } from "./page.js";
import { epochOf, storedToken } from "./record.js";
import { routesHook } from "./routes/hook.js";
import { scopeOf } from "./scope.js";
import { initialState, storeOf } from "./store.js";

/** @import { Client, Options } from "../index.js" */

/**
 * @param {Options} [given]
 * @returns {Client}
 */
export function createClient(given) {
  const options = own(given);
  const backend = options.backend ?? servedBy;
  if (backend === undefined) throw new TypeError(`backend is missing, as in createClient({ backend: "/auth" }); given: ${Object.keys(options)}`);
  if (!import.meta.served && typeof document === "undefined") return prerendered();
  const base = new URL(backend, document.baseURI).href.replace(/\/+$/, "");
  return sharedClient(base, options, (end) => client(base, options, end));
}

/**
 * @param {string} backend
 * @param {Options} options
 * @param {() => unknown} end is called when the client is closed
 * @returns {Client}
 */
function client(backend, options, end) {
  /** @type {Context & {close(): void}} */
  const context = start(backend, options, end);
  const { store, ask, close } = context;
  const call = callsOf(context);
  const gate = gateOf(store, call("askBeforeSwitch"));
  const steps = { ask: gate.ask, enter: switchTo(context, "enter"), switch: switchTo(context, "switch") };
  let change = steps.switch;
  /** @type {Client & {[routesHook](by?: import("./routes/hook.js").Switch): import("./routes/hook.js").Steps}} */
  const self = {
    ready: store.ready,
    get state() {
      return store.state;
    },
    get partition() {
      return store.partition.view;
    },
    ...accessOf(context),
    lend: call("lend"),
    signOut: call("signOut"),
    sessions: call("sessions"),
    stepUp: call("stepUp"),
    endSession: call("endSession"),
    signIn: call("signIn"),
    accounts: call("accounts"),
    switchAccount: (id, options) => call("switchAccount")(gate.ask, id, options).catch(switchFailure),
    beforeSwitch: gate.add,
    /** @param {string | null} to @param {unknown} [more] */
    async switchOrganization(to, more) {
      const organization = to === null ? "" : requireName(to, more);
      const question = change.agrees?.(organization) || gate.ask(organization);
      const agreed = question && (await question);
      return agreed === false ? call("decline")().catch(switchFailure) : change(organization, agreed);
    },
    /** @type {(organization: string, more?: unknown) => import("../index.js").Scope} */
    inOrganization: (organization, more) => secondOrganization(context, requireName(organization, more)),
    organizations: async () => freeze(JSON.parse(await ask("organizations"))),
    openTab(organization, url) {
      const address = addressFor(requireName(organization, url), change.address?.(organization, url) ?? url, store.state);
      if (own(store.state).origins) call("openTab")(organization, url, window.open("", "_blank"));
      else window.open(address, "_blank", "noopener");
    },
    subscribe: store.subscribe,
    close,
    [routesHook](by = steps.switch) {
      context.change = change = by;
      return steps;
    },
  };
  if (options.debug) call("debug")(self, backend).catch(() => {});
  return Object.freeze(self);
}

/**
 * @param {string} backend
 * @param {Options} options
 * @param {() => unknown} end
 */
function start(backend, { organization: named, app, keepAlive, module: url, apis = [location.href], backend: _, debug: __, ...unknown }, end) {
  const key = "tabard:" + backend;
  for (const name in unknown) explain("explainOption", name);
  const opened = takeParameter("organization");
  const account = takeParameter("account");
  const organization = named ?? opened;
  const arrival = takeArrival();
  const tabs = connectTabs(key);
  const config = { backend, key, organization, account, arrival, app, keepAlive, join: takeParameter("join", ".*[#&]") };
  const module = startModule(new URL(url ?? backend + manifest, backend).href, {
    backend,
    options: { ...config },
    changed: (state) => store.changed(state),
    send: tabs.send,
    join: (loginUrl) => callsOf(context)("join")(loginUrl),
    failed: (error) => store.failed(error),
    recheck: () => epochOf(key) !== epoch && store.changed(initial()),
    // A tab that the browser restores may be one of many.
    dormant: document.hidden && !keepAlive && /** @type {any} */ (performance.getEntriesByType("navigation")[0])?.type === "back_forward",
  });
  // Read after the module has begun to load: a page's first access to storage blocks.
  const initial = () => storedToken(key, organization, account)?.state ?? initialState;
  const epoch = epochOf(key);
  const store = storeOf(initial(), (organization, options) => callsOf(context)("enterDenied")(switchTo(context, "switch"), organization, options));
  const context = {
    TabardError,
    backend,
    ask: module.ask,
    /** The tab's credential: not the rejected one again; "keep": it is good until there is another. */
    credential: async (rejected = "", /** @type {string[]} */ ...keep) =>
      (!module.running() && !rejected && storedToken(key, organization, account)?.token) || module.ask("token", "", rejected, ...keep),
    /** The needs of a sign-in while the module is on its way; false if it runs, or must be awaited. */
    loading: () => !module.running() && !config.join && config,
    scope: () => store.partition,
    apis: [apis].flat().map((api) => absolute(api).origin),
    store,
    close() {
      end();
      clearTimeout(question);
      tabs.close();
      module.close();
      store.close();
    },
  };
  left("removeItem"); // the return from a sign-in has ended
  const question = /** @type {any} */ (arrival || document.hidden || setTimeout(askEarly, 250, context));
  store.ready.then(() => {
    if (module.running() && store.state.status === "unavailable") explain("explainState", store, backend, (/** @type {any} */ cause) => module.tell("halt", cause.code, cause.description));
  });
  if (document.prerendering) afterPrerendering(() => store.changed(initial()));
  tabs.listen(module);
  return context;
}

/**
 * Asks whether everybody is signed out, so that a page does not wait for its module to offer a
 * sign-in.
 * @param {{backend: string, store: import("./store.js").Store, loading(): unknown}} context
 */
function askEarly({ backend, store, loading }) {
  const isOpen = () => loading() && store.state.status === "starting";
  if (!isOpen()) return;
  Promise.all([import("./asked.js"), fetch(backend + "/session?quiet=1", { credentials: "include" })])
    .then(([chunk, answer]) => chunk.show(store, isOpen, answer))
    .catch(() => {}); // the module finds out
}

/**
 * If the module cannot be loaded, or dies, the switch is `unavailable`.
 * @param {import("./ondemand.js").Context} context
 * @param {"enter" | "switch"} step
 * @returns {import("./routes/hook.js").Switch}
 */
const switchTo = (context, step) => async (organization) => {
  const { loginUrl, ...result } = own(await context.ask(step, organization).then(JSON.parse, switchFailure));
  if (result.status === "step_up_required") {
    result.continue = (/** @type {unknown} */ options) => callsOf(context)("leave")(organization, loginUrl, options);
  }
  return result;
};

/** @param {unknown} error */
function switchFailure(error) {
  if (!(error instanceof TabardError)) throw error;
  return { status: "unavailable", ...problemOf(error) };
}

/** @typedef {import("./ondemand.js").Context & {apis: string[], store: import("./store.js").Store}} Context */

/**
 * The functions that act for an organization.
 * @param {Context} context
 */
const accessOf = (context, call = callsOf(context)) => ({
  fetch: fetchFor(context, call),
  proof: call("proof"),
  connect: call("connect"),
  async getToken(/** @type {import("../index.js").TokenOptions | undefined} */ options) {
    return options ? call("newToken")(options) : tokenOf(await context.credential());
  },
});

/**
 * Acts for a second organization, until it refuses.
 * @param {Context} context
 * @param {string} organization
 */
function secondOrganization(context, organization) {
  const { store } = context;
  const scope = store.scope(organization);
  const credential = async (rejected = "", /** @type {string[]} */ ...keep) => {
    scope.signal.throwIfAborted();
    try {
      return await context.ask("token", organization, rejected, ...keep);
    } catch (error) {
      if (error instanceof TabardError && error.action !== "retry") store.endScope(organization);
      throw error;
    }
  };
  return Object.freeze({ ...accessOf({ ...context, credential, scope: () => scope }), signal: scope.signal });
}

/**
 * The client while a page is rendered on a server: it never leaves "starting".
 * @returns {Client}
 */
function prerendered() {
  const { view } = scopeOf("");
  const fail = async () => {
    throw new TabardError("not_in_browser", "stop", "call this in a browser: servers have no tab");
  };
  const ready = fail();
  ready.catch(() => {}); // a server without requests goes on
  return Object.freeze({
    ready,
    state: freeze(JSON.parse(initialState)),
    partition: view,
    signIn: fail,
    accounts: fail,
    switchAccount: fail,
    getToken: fail,
    fetch: fail,
    connect: fail,
    proof: fail,
    lend: fail,
    beforeSwitch: () => () => {},
    stepUp: fail,
    switchOrganization: fail,
    inOrganization: () => ({ getToken: fail, fetch: fail, proof: fail, connect: fail, signal: view.signal }),
    organizations: fail,
    sessions: fail,
    endSession: fail,
    openTab() {},
    subscribe: () => () => {},
    signOut: fail,
    close() {},
  });
}

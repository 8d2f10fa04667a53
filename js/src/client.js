// @ts-check
// The client that a page calls. It serves tokens from the record until the module
// runs, and calls the module from then on.

import { sharedClient } from "./clients.js";
import { addresses, TabardError } from "./error.js";
import { manifest, servedBy } from "./exec.js";
import { debug, explainState } from "./failures.js";
import { fetchFor, tokenOf } from "./fetch.js";
import { declined, gateOf } from "./gate.js";
import { endReturn, returnAddress, takeArrival } from "./returnaddress.js";
import { Module } from "./module.js";
import { connectionsOf, stepUpsOf } from "./ondemand.js";
import { own } from "./own.js";
import { absolute, addressFor, connectTabs, appBase, organizationParameter, requireTopLevel, takeParameter, afterPrerendering } from "./page.js";
import { storedToken } from "./record.js";
import { routesHook } from "./routes/hook.js";
import { scopeOf } from "./scope.js";
import { initialState, freeze, Store } from "./store.js";

/** @import { Client, Options } from "../index.js" */

/**
 * @param {Options} [given]
 * @returns {Client}
 */
export function createClient(given) {
  const options = own(given);
  const backend = options.backend ?? servedBy;
  if (backend === undefined) throw new TypeError("backend is missing");
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
  const { store, module, credential, apis, close } = start(backend, options, end);
  const scope = () => store.partition;
  const { stepUp, challenged } = stepUpsOf(module.ask.bind(module), backend, credential, scope);
  const access = { apis, scope, credential, prove: proofs(module), challenged };
  const gate = gateOf(store);
  const steps = { ask: gate.ask, enter: switchTo(module, "enter"), switch: switchTo(module, "switch") };
  /** @type {import("./routes/hook.js").Switch} */
  let change = steps.switch;
  const list = async (/** @type {string} */ name) => freeze(JSON.parse(await module.ask(name)));
  /** @type {Client & {[routesHook](by?: import("./routes/hook.js").Switch): import("./routes/hook.js").Steps}} */
  const self = {
    ready: store.ready,
    get state() {
      return store.state;
    },
    get partition() {
      return store.partition.view;
    },
    signIn: async (options) => {
      const { organization = "", returnTo, prompt = "", loginHint = "", email = "", staySignedIn } = own(options);
      requireTopLevel();
      const sessionCookie = staySignedIn === undefined ? "" : String(!staySignedIn);
      const hints = prompt || loginHint || email || sessionCookie ? [prompt, loginHint, email, sessionCookie] : [];
      await module.ask("signIn", organization, await returnAddress(returnTo), ...hints);
    },
    getToken: (options) => tokenBy(credential, options),
    fetch: fetchFor(access),
    connect: connectionsOf(access),
    stepUp: async (options) => stepUp(own(options)),
    beforeSwitch: gate.add,
    async switchOrganization(organization) {
      const question = gate.ask(requireName(organization));
      const agreed = question && (await question);
      return agreed === false ? declined : change(organization, agreed);
    },
    inOrganization: (organization) => secondOrganization(store, module, backend, apis, requireName(organization)),
    organizations: () => list("organizations"),
    sessions: () => list("sessions"),
    endSession: async (id) => void (await askWithStepUp(module, "endSession", id)),
    openTab: (organization, url) => void window.open(addressFor(requireName(organization), url), "_blank", "noopener"),
    subscribe: (listener) => store.subscribe(listener),
    signOut: async (options) => {
      const { scope = "session", returnTo = appBase() } = own(options);
      const endSessionUrl = await askWithStepUp(module, "signOut", scope, ...(returnTo ? [absolute(returnTo).href] : []));
      return endSessionUrl ? { endSessionUrl } : {};
    },
    close,
    [routesHook](by = steps.switch) {
      change = by;
      return steps;
    },
  };
  if (options.debug) debug(self, backend);
  return Object.freeze(self);
}

/**
 * @param {string} backend
 * @param {Options} options
 * @param {() => unknown} end
 */
function start(backend, { organization: named, app, keepAlive, module: url, apis = [location.origin], backend: _, debug: __, ...unknown }, end) {
  const key = "tabard:" + backend;
  for (const name in unknown) console.error(`tabard: unknown option ${name}, ignored`);
  const opened = takeParameter(organizationParameter);
  const organization = named ?? opened;
  const arrival = takeArrival();
  const tabs = connectTabs(key);
  const module = new Module(new URL(url ?? backend + manifest, backend).href, {
    options: { backend, key, organization, arrival, app, keepAlive },
    changed: (state) => store.changed(state),
    send: tabs.send,
    failed: (error) => store.failed(error),
  });
  // Read after the module has begun to load: a page's first access to storage blocks.
  const initial = () => storedToken(key, organization)?.state ?? initialState;
  const store = new Store(initial(), (organization) => switchTo(module, "switch")(organization));
  endReturn();
  store.ready.then(() => {
    if (module.running) explainState(store, backend, ({ code, description }) => module.tell("halt", code, description));
  });
  if (document.prerendering) afterPrerendering(() => store.changed(initial()));
  tabs.listen(module);
  return {
    store,
    module,
    apis: apis.map((api) => absolute(api).origin),
    backend,
    /**
     * @param {string} [rejected] is not handed out again
     * @param {string[]} keep "keep": it is good until there is another
     */
    async credential(rejected = "", ...keep) {
      return (!module.running && !rejected && storedToken(key, organization)?.token) || module.ask("token", "", rejected, ...keep);
    },
    close() {
      end();
      tabs.close();
      module.close();
      store.close();
    },
  };
}

/**
 * If the module cannot be loaded, or dies, the switch is `unavailable`.
 * @param {Module} module
 * @param {"enter" | "switch"} step
 * @returns {import("./routes/hook.js").Switch}
 */
const switchTo = (module, step) => async (organization) => {
  const { loginUrl, ...result } = own(await module.ask(step, organization).then(JSON.parse, switchFailure));
  if (result.status === "step_up_required") {
    result.continue = async (/** @type {{returnTo?: string | URL}} */ options) => {
      requireTopLevel();
      await module.ask("stepUp", organization, loginUrl, await returnAddress(own(options).returnTo));
    };
  }
  return result;
};

/**
 * Calls a function that needs a recent authentication. If it is refused without one, the
 * error's `continue` leads to the step-up.
 * @param {Module} module
 * @param {string} name
 * @param {...string} args
 */
async function askWithStepUp(module, name, ...args) {
  try {
    return await module.ask(name, ...args);
  } catch (error) {
    const loginUrl = error instanceof TabardError && addresses.get(error);
    if (loginUrl) {
      error.continue = async (options) => {
        requireTopLevel();
        await module.ask("stepUp", "", loginUrl, await returnAddress(own(options).returnTo));
      };
    }
    throw error;
  }
}

/** @param {unknown} error */
function switchFailure(error) {
  if (!(error instanceof TabardError)) throw error;
  const { code, action, message } = error;
  return { status: "unavailable", code, action, description: message };
}

/**
 * The device key's proofs of requests (RFC 9449 section 4).
 * @param {Module} module
 * @returns {(token: string, method: string, url: string) => Promise<string>}
 */
const proofs = (module) => (...request) => module.ask("proof", ...request);

/**
 * A token, as {@link Client.getToken} is asked for one.
 * @param {(rejected?: string, ...keep: string[]) => Promise<string>} credential
 * @param {import("../index.js").TokenOptions} [options]
 */
async function tokenBy(credential, options) {
  const token = tokenOf(await credential());
  return own(options).forceRefresh ? tokenOf(await credential(token, "keep")) : token;
}

/**
 * Acts for a second organization, until it refuses.
 * @param {Store} store
 * @param {Module} module
 * @param {string} backend
 * @param {string[]} apis
 * @param {string} organization
 */
function secondOrganization(store, module, backend, apis, organization) {
  const scope = store.scope(organization);
  const credential = async (rejected = "", /** @type {string[]} */ ...keep) => {
    scope.signal.throwIfAborted();
    try {
      return await module.ask("token", organization, rejected, ...keep);
    } catch (error) {
      if (error instanceof TabardError && error.action !== "retry") store.endScope(organization);
      throw error;
    }
  };
  const { challenged } = stepUpsOf(module.ask.bind(module), backend, credential, () => scope);
  return Object.freeze({
    getToken: (/** @type {import("../index.js").TokenOptions} */ options) => tokenBy(credential, options),
    fetch: fetchFor({ apis, scope: () => scope, credential, prove: proofs(module), challenged }),
    signal: scope.signal,
  });
}

/**
 * The client while a page is rendered on a server: it never leaves "starting".
 * @returns {Client}
 */
function prerendered() {
  const { view } = scopeOf("");
  const fail = async () => {
    throw new TabardError("not_in_browser", "stop", "call this in a browser: a page that is rendered on a server has no tab");
  };
  const ready = fail();
  ready.catch(() => {}); // a server that nobody asks goes on
  return Object.freeze({
    ready,
    state: freeze(JSON.parse(initialState)),
    partition: view,
    signIn: fail,
    getToken: fail,
    fetch: fail,
    connect: fail,
    beforeSwitch: () => () => {},
    stepUp: fail,
    switchOrganization: fail,
    inOrganization: () => ({ getToken: fail, fetch: fail, signal: view.signal }),
    organizations: fail,
    sessions: fail,
    endSession: fail,
    openTab() {},
    subscribe: () => () => {},
    signOut: fail,
    close() {},
  });
}

/** @param {string} organization */
function requireName(organization) {
  if (!organization || typeof organization !== "string") throw new TypeError("organization must be an id or slug");
  return organization;
}

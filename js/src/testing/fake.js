// @ts-check
// A client for tests: the real client's states, scopes, questions and fetch, over a tab and
// a backend that the test drives.

import { accountOptions, continueOptions, lendOptions, proofOptions, refuseProtocols, requireApi, requireName, requirePerson, signInOptions, signOutOptions, stepUpOptions, tokenOptions } from "../arguments.js";
import { connect } from "../connect.js";
import { TabardError } from "../error.js";
import { fetchFor } from "../fetch.js";
import { declined } from "../declined.js";
import { gateOf } from "../gate.js";
import { bodyOf, lend } from "../lend.js";
import { own } from "../own.js";
import { ask } from "../question.js";
import { answerTo, foreign } from "../refusals.js";
import { routesHook } from "../routes/hook.js";
import { freeze } from "../freeze.js";
import { problemOf } from "./codes.js";
import { comesBack, errorOf, returnOf } from "./outcomes.js";
import { Tab } from "./tab.js";
import { World } from "./world.js";

/** @import { Client, StepUpOptions } from "../../index.js" */
/** @import { FakeClient, FakeOptions } from "../../testing.js" */

/**
 * @param {FakeOptions} [given]
 * @returns {FakeClient}
 */
export function createFakeClient(given) {
  const options = own(given);
  const world = new World(options);
  const tab = new Tab(world, options.organization ?? "");
  const { status = "settled" } = options;
  if (!["settled", "signed_out", "starting"].includes(status)) throw new TypeError(`status must be "signed_out" or "starting", not "${status}": drive the client to the others`);
  world.signedIn = status !== "signed_out";
  if (status !== "starting") tab.settle();
  const apis = options.apis ?? (globalThis.location ? [location.origin] : []);
  const members = { ...clientOf(tab, apis), ...driverOf(tab, world) };
  return Object.freeze(Object.defineProperties(/** @type {any} */ (members), {
    ready: { enumerable: true, value: tab.store.ready },
    state: { enumerable: true, get: () => tab.store.state },
    partition: { enumerable: true, get: () => tab.store.partition.view },
    departures: { enumerable: true, get: () => [...tab.departures] },
  }));
}

/**
 * An error of a listener fails the test, as it would reach the page's own handler.
 * @template {(...args: any[]) => any} F
 * @param {F} listener
 * @param {unknown} otherwise
 */
const loud = (listener, otherwise) => typeof listener !== "function" ? listener : (/** @type {Parameters<F>} */ ...args) => {
  try {
    return listener(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
    return otherwise;
  }
};

/**
 * The real client's properties.
 * @param {Tab} tab
 * @param {readonly string[]} apis
 */
function clientOf(tab, apis) {
  const { store } = tab;
  const gate = gateOf(store, (listeners, change) => ask({ scope: () => store.partition }, listeners, change));
  const finish = (/** @type {string} */ name) => tab.change(name, true);
  const steps = { ask: gate.ask, enter: (/** @type {string} */ name) => tab.change(name, false), switch: finish };
  tab.by = finish;
  const sessions = [{
    id: "ses_1", current: true, app: "app", userAgent: "fake", address: "127.0.0.1", createdAt: 0, lastUsedAt: 0, expiresAt: 0, deviceBound: false,
  }];
  return {
    ...accessOf(tab, "", () => store.partition, apis),
    lend: async (/** @type {import("../../index.js").LendOptions} */ options) => lendBy(tab, lendOptions(options)),
    signIn: async (/** @type {import("../../index.js").SignInOptions} */ options) => {
      const { organization = "", returnTo, account } = signInOptions(options);
      const back = comesBack(tab, organization, returnTo);
      await tab.started();
      tab.leave({ to: "sign_in", ...(organization && { organization }), ...(account && { account }), ...back });
    },
    accounts: async () => freeze(await tab.people()),
    async switchAccount(/** @type {string} */ id, /** @type {{organization?: string}} */ options) {
      const { organization = "" } = accountOptions(options);
      requirePerson(id);
      if ((await gate.ask(id)) === false) return declined;
      return tab.switchAccount(id, organization);
    },
    stepUp: async (/** @type {import("../../index.js").StepUpRequest} */ options) => stepUp(tab, stepUpOptions(options)),
    beforeSwitch: (/** @type {import("../../index.js").BeforeSwitch} */ listener) => gate.add(loud(listener, false)),
    async switchOrganization(/** @type {string | null} */ to, /** @type {unknown} */ more) {
      const organization = to === null ? "" : requireName(to, more);
      const question = tab.by.agrees?.(organization) || gate.ask(organization);
      const agreed = question && (await question);
      return agreed === false ? declined : tab.by(organization, agreed);
    },
    inOrganization(/** @type {string} */ organization, /** @type {unknown} */ more) {
      const scope = store.scope(requireName(organization, more));
      return Object.freeze({ ...accessOf(tab, organization, () => scope, apis), signal: scope.signal });
    },
    organizations: async () => freeze(await tab.list()),
    sessions: async () => (await tab.request(), freeze(sessions.map((session) => ({ ...session })))),
    async endSession(/** @type {string} */ id) {
      await tab.request().catch(withStepUp(tab));
      if (id !== "ses_1") throw errorOf(problemOf("not_found"));
      tab.signedOut();
    },
    openTab(/** @type {string} */ organization, /** @type {string | URL} */ url) {
      requireName(organization, url);
      const address = tab.by.address?.(organization, url) ?? url;
      tab.departures.push({ to: "new_tab", organization, ...returnOf({ returnTo: address }), ...(tab.store.state.origins && { url: tab.addressOf(organization) }) });
    },
    subscribe: (/** @type {Parameters<Client["subscribe"]>[0]} */ listener) => store.subscribe(loud(listener, undefined)),
    async signOut(/** @type {Parameters<Client["signOut"]>[0]} */ options) {
      const { scope = "session", account } = signOutOptions(options);
      await tab.request(scope === "browser" || account !== undefined).catch(withStepUp(tab));
      if (account !== undefined || scope === "browser") tab.signOutAccount(account);
      else if (scope === "organization") tab.end("signed_out");
      else tab.signedOut();
      return {};
    },
    close: () => tab.close(),
    [routesHook](by = finish) {
      tab.by = by;
      return steps;
    },
  };
}

/**
 * Tokens and requests of an organization.
 * @param {Tab} tab
 * @param {string} organization empty for the tab's own
 * @param {() => {key: string, signal: AbortSignal}} scope
 * @param {readonly string[]} apis
 */
function accessOf(tab, organization, scope, apis) {
  const credential = (rejected = "", keep = "") => {
    if (organization) scope().signal.throwIfAborted();
    return tab.token(organization, rejected, keep).catch((error) => {
      if (organization && error.action !== "retry") tab.store.endScope(organization);
      throw error;
    });
  };
  const challenged = async (/** @type {string} */ header) => {
    const error = errorOf({ code: "insufficient_user_authentication", action: "step_up", description: "the API asks for another authentication: " + header });
    error.continue = async (options) => stepUp(tab, continueOptions(options, "popup returnTo signal"));
    return error;
  };
  const context = {
    TabardError, backend: "", ask: async () => "", scope, apis: apis.map((api) => new URL(api, globalThis.location?.href).origin),
    credential: async (/** @type {string[]} */ ...args) => credential(...args),
  };
  const calls = {
    foreign: async (/** @type {Response} */ response) => foreign(context, response),
    refused: (/** @type {Response} */ response, /** @type {string} */ _, /** @type {string} */ token, /** @type {import("../fetch.js").Again} */ again) =>
      answerTo(context, challenged, response, token, again),
  };
  const send = fetchFor(context, (name) => /** @type {any} */ (calls)[name]);
  const requires = (/** @type {string} */ call, /** @type {string[]} */ ...names) => {
    if (names.some((name) => !(name in globalThis))) {
      throw new TypeError(`${call} of a fake client needs the globals ${names.join(", ").replace(/, (\w+)$/, " and $1")}: run the test in jsdom, and give Jest's jsdom those of Node.js`);
    }
  };
  return {
    async getToken(/** @type {import("../../index.js").TokenOptions | undefined} */ options) {
      const { forceRefresh, ...narrower } = tokenOptions(options);
      const token = await credential();
      if (Object.keys(narrower).length > 0) return (await tab.lent(organization, bodyOf(own(narrower)))).token;
      return forceRefresh ? credential(token, "keep") : token;
    },
    /** @type {typeof globalThis.fetch} */
    fetch: async (input, init) => {
      requires("fetch", "document", "fetch", "Request");
      return send(input, init);
    },
    async proof(/** @type {string | URL} */ url, /** @type {import("../../index.js").ProofOptions} */ options) {
      const { signal } = proofOptions(options), begun = scope();
      requireApi(context.apis, new URL(url, globalThis.location?.href).origin);
      signal?.throwIfAborted();
      const token = await credential();
      for (const one of [begun.key ? begun.signal : scope().signal, signal]) one?.throwIfAborted();
      return { Authorization: `Bearer ${token}` };
    },
    async connect(/** @type {string | URL} */ url, /** @type {unknown} */ protocols) {
      refuseProtocols(protocols);
      requires("connect", "document", "WebSocket");
      return connect({ ...context, prove: async () => "", challenged }, url);
    },
  };
}

/**
 * Lends the tab's tokens by the real client's protocol.
 * @param {Tab} tab
 * @param {import("../../index.js").LendOptions} options
 */
const lendBy = (tab, options) => lend({
  TabardError, backend: "", ask: async () => "", scope: () => tab.store.partition, credential: () => tab.token(""),
}, options, (_, body) => tab.lent("", body));

/**
 * A step-up: with `popup` it settles when the test says how it ended; without one the page
 * is left, and the promise of the real client with it.
 * @param {Tab} tab
 * @param {StepUpOptions} options
 * @returns {Promise<void>}
 */
async function stepUp(tab, { popup, returnTo, signal }) {
  await tab.started();
  signal?.throwIfAborted();
  const { organization } = tab.store.state;
  const departure = { to: /** @type {const} */ ("step_up"), ...(organization && { organization: organization.id }), ...comesBack(tab, organization?.id ?? "", returnTo), ...(popup && { popup: /** @type {const} */ (true) }) };
  return new Promise((resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
    tab.leave(departure, popup ? (code) => (code ? reject(errorOf({ ...problemOf(/** @type {any} */ (code)), action: "step_up" })) : resolve()) : undefined);
  });
}

/**
 * Gives the error of a call that needs a recent authentication its way on.
 * @param {Tab} tab
 */
const withStepUp = (tab) => (/** @type {import("../error.js").TabardError} */ error) => {
  if (error.action === "step_up") error.continue = async (options) => tab.leave({ to: "step_up", ...returnOf(continueOptions(options)) });
  throw error;
};

/**
 * The test's instructions to the client.
 * @param {Tab} tab
 * @param {World} world
 */
function driverOf(tab, world) {
  return {
    start: () => tab.settle(),
    /** @param {string} organization */
    switchTo(organization) {
      const tenant = world.require(organization);
      world.signedIn = true;
      world.stepUp(tenant);
      world.entered.add(tenant.id);
      tab.activate(tenant);
    },
    /** @param {import("../../index.js").Ending} [reason] */
    end: (reason = "idle") => tab.end(reason),
    /** @param {import("../../index.js").Code} code @param {{reason?: import("../../index.js").Ending, retryAfter?: number}} [more] */
    denyNext(code, more) {
      world.refuseNext(problemOf(code, more));
      tab.age();
    },
    /** @param {import("../../index.js").Code} [code] */
    signOutElsewhere: (code) => tab.signedOut(code && problemOf(code)),
    /** @param {import("../../index.js").Code} [code] */
    comeBack: (code) => tab.comeBack(code),
    goOffline: () => void (world.online = false),
    goOnline() {
      world.online = true;
      if (tab.status === "unavailable") tab.renew();
    },
    expireToken: () => tab.renew(),
    /** @param {number} secondsLeft */
    warnIdle: (secondsLeft) => tab.warn(secondsLeft),
  };
}

// @ts-nocheck
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { acme, ada, globex, state } from "./stage.js";

const { followRoutes, organizationOf } = await import("../routes.js");
const { Pattern } = await import("../src/routes/pattern.js");
const { followTheme } = await import("../theme.js");
const { Places } = await import("../src/routes/places.js");
const { createClient } = await import("../index.js");

test("an address names the organization where the pattern says", () => {
  const named = (url, options) => organizationOf({ url, ...options });
  assert.equal(named("https://app.example/acme/notes?x=1#y"), "acme");
  assert.equal(named("/org_a"), "org_a");
  assert.equal(named("/caf%C3%A9/notes"), "café");
  assert.equal(named("/%E0%A4%A/notes"), undefined);
  for (const url of ["/", "//evil.example/", "https://app.example"]) assert.equal(named(url), undefined, url);
  assert.equal(named("/settings/x", { except: ["settings"] }), undefined);
  assert.equal(named("/app/acme/notes", { pattern: "/app/:organization/*" }), "acme");
  assert.equal(named("/other/acme/notes", { pattern: "/app/:organization/*" }), undefined);
  assert.throws(() => named("/", { pattern: "/organization" }), /:organization/);
  assert.equal(organizationOf(), undefined, "on a server, without a request's address");
});

test("a host names the organization where each has an origin of its own", () => {
  const named = (url, options) => organizationOf({ url, host: ":organization.app.example.com", ...options });
  assert.equal(named("https://acme.app.example.com/globex/notes"), "acme");
  assert.equal(named("https://A-1.app.example.com"), "a-1");
  assert.equal(named("https://acme.app.example.com:8443"), undefined, "another port");
  assert.equal(named("https://acme.app.example.com:8443", { host: ":organization.app.example.com:8443" }), "acme");
  for (const host of ["app.example.com", "a.b.app.example.com", "acme.example.com", "acme.app.example.com.evil.test", "evilapp.example.com", "-a.app.example.com"]) {
    assert.equal(named(`https://${host}/acme`), undefined, host);
  }
  assert.equal(named("https://www.app.example.com", { except: ["www"] }), undefined);
  for (const host of ["acme.example.com", ":organization", "x.:organization.example.com", ":organization.example.com/x"]) {
    assert.throws(() => named("https://acme.app.example.com", { host }), /begins with :organization/, host);
  }
});

test("on a server routes are settled and follow nothing", () => {
  const routes = followRoutes(createClient({ backend: "/auth" }));
  assert.deepEqual(routes.state, { status: "settled" });
  routes.subscribe(() => {})();
  routes.close();
});

test("a new tab begins where its organization does, and at no address of another's", () => {
  globalThis.location = new URL("https://app.example/acme/notes");
  const places = (known) => new Places({ state: state({ organizations: known }) }, new Pattern("/:organization/*", ["settings"]));
  const at = (name, url, known = [acme, globex]) => String(places(known).addressOf(name, url));
  assert.equal(at("globex"), "https://app.example/globex/");
  assert.equal(at(globex.id), "https://app.example/globex/");
  assert.equal(at("acme"), "https://app.example/acme/notes");
  for (const url of ["/globex/notes", `/${globex.id}/notes`, "/settings", "/", "https://docs.example/acme"]) {
    for (const name of ["globex", globex.id]) assert.equal(at(name, url), url);
  }
  for (const [name, url] of [["globex", "/acme/notes"], [globex.id, "/acme/notes"], ["acme", `/${globex.id}/`], ["globex", new URL("https://app.example/nowhere/")]]) {
    assert.throws(() => at(name, url), { name: "TypeError", message: /^\S+ is an address of (acme|nowhere|org_\w+), .*such as \/(acme|globex)\/, or none$/ });
  }
  assert.equal(at("org_new", "/new/notes", null), "/new/notes", "an id that is not listed may be of that slug");
  assert.throws(() => at("new", "/other/notes", null), /an address of other/);
});

/** A page at an address, and a tab in Acme, whose switches the test ends. */
function open(options, path = "/acme/a", begins = state()) {
  const page = new EventTarget();
  const entries = [path];
  const at = (url) => (globalThis.location = new URL(url, "https://app.example"));
  const tab = { state: begins, listeners: new Set(), asked: [] };
  Object.assign(globalThis, {
    document: {},
    window: page,
    PopStateEvent: class extends Event {},
    history: {
      state: null,
      pushState: (_, __, url) => (entries.push(url), at(url)),
      replaceState: (_, __, url) => ((entries[entries.length - 1] = url), at(url)),
    },
  });
  at(entries[0]);
  tab.wear = (organization) => {
    tab.state = state({ organization, fence: tab.state.fence + 1 });
    tab.listeners.forEach((listener) => listener(tab.state));
  };
  const client = {
    ready: Promise.resolve(),
    get state() {
      return tab.state;
    },
    subscribe: (listener) => (tab.listeners.add(listener), () => tab.listeners.delete(listener)),
    inOrganization: (name) => ({ getToken: () => new Promise((resolve, reject) => tab.asked.push({ name, resolve, reject })) }),
    async switchOrganization(name) {
      const organization = [acme, globex].find(({ id, slug }) => name === id || name === slug);
      if (!organization) return { status: "refused", code: "organization_access_denied", action: "stop", description: "" };
      tab.wear(organization);
      return { status: "switched", organization };
    },
  };
  const routes = followRoutes(client, options);
  return { client, routes, tab, entries, push: (url) => (history.pushState(null, "", url), routes.follow()) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

afterEach(() => {
  for (const name of ["document", "window", "history", "location"]) delete globalThis[name];
});

test("an address is followed once a token is at hand, and listeners are told", async () => {
  const { routes, tab, push } = open();
  const heard = [];
  routes.subscribe(({ status }) => heard.push(status));
  push("/globex/a");
  push("/globex/a");
  assert.deepEqual([routes.state.status, routes.state.organization, tab.asked.length], ["switching", "globex", 1]);
  assert.ok(Object.isFrozen(routes.state));
  tab.asked[0].resolve("token");
  await settle();
  assert.equal(tab.state.organization, globex);
  assert.deepEqual(heard.at(-1), "settled");
});

test("without a way to tell where in the history the tab was, a refused address is replaced", async () => {
  const { routes, tab, entries, push } = open();
  push("/globex/a");
  tab.asked[0].reject({ code: "temporarily_unavailable", action: "retry", message: "offline" });
  await settle();
  assert.deepEqual(entries, ["/acme/a", "https://app.example/acme/a"]);
  const { status, result, url } = routes.state;
  assert.deepEqual([status, result.status, result.code, url], ["stayed", "unavailable", "temporarily_unavailable", "https://app.example/globex/a"]);
});

test("a later address overtakes an earlier one, whichever answers first", async () => {
  const { routes, tab, push } = open();
  push("/globex/a");
  push("/nowhere/a");
  tab.asked[1].reject({ code: "organization_access_denied", action: "stop", message: "" });
  tab.asked[0].resolve("token");
  await settle();
  assert.equal(tab.state.organization, acme);
  assert.deepEqual([routes.state.organization, routes.state.result.status, location.pathname], ["nowhere", "refused", "/acme/a"]);
});

test("a scope that ends with the person is overtaken", async () => {
  const { routes, tab, push } = open();
  push("/globex/a");
  tab.asked[0].reject(new DOMException("", "AbortError"));
  await settle();
  assert.equal(routes.state.result.status, "overtaken");
});

test("the app's router changes the address, and the app says where an organization begins", async () => {
  const went = [];
  const navigate = (url, options) => (went.push([url, options]), history.pushState(null, "", url));
  const { routes, tab } = open({ navigate, home: ({ slug }) => `/${slug}/dashboard` });
  tab.wear(globex);
  assert.deepEqual(went, [["https://app.example/globex/dashboard", { replace: false }]]);
  assert.equal(routes.home(acme), "/acme/dashboard");
  assert.deepEqual(await routes.go("/globex/b", { replace: true }), { status: "unchanged" });
  assert.deepEqual(went[1], ["https://app.example/globex/b", { replace: true }]);
  assert.equal((await routes.go("/acme/c")).status, "switched");
  assert.equal(location.pathname, "/acme/c");
});

test("a client that was not told of the address follows it when it is ready", async () => {
  const { tab } = open({}, "/globex/a");
  await settle();
  tab.asked[0].resolve("token");
  await settle();
  assert.deepEqual([tab.asked.length, tab.state.organization, location.pathname], [1, globex, "/globex/a"]);
});

test("so does one that found no organization, or was told of another than the pattern reads", async () => {
  const choose = state({ status: "choose", organization: null });
  const denied = state({ status: "denied", organization: null, named: "app", error: { code: "organization_access_denied", action: "stop", description: "" } });
  const pattern = "/app/:organization/*";
  for (const [begins, path, asked] of [[choose, "/app/globex/a", ["globex"]], [denied, "/app/globex/a", ["globex"]], [choose, "/welcome", []], [{ ...denied, named: "globex" }, "/app/globex/a", []]]) {
    const { tab, routes } = open({ pattern }, path, begins);
    await settle();
    assert.deepEqual(tab.asked.map(({ name }) => name), asked, `${begins.status} at ${path}`);
    tab.asked[0]?.resolve("token");
    await settle();
    assert.equal(tab.state.organization, asked.length ? globex : null);
    routes.close();
  }
});

test("an option that does not exist is named", async (t) => {
  const lines = [];
  t.mock.method(console, "error", (line) => lines.push(line));
  organizationOf({ url: "/acme", patern: "/app/:organization/*", navigate() {} });
  organizationOf({ url: "/acme", patern: "/app/:organization/*" });
  assert.deepEqual(lines.splice(0), ["tabard: unknown option patern of organizationOf, ignored"]);
  open({ patterns: "/:organization/*", host: ":organization.example.com", home: () => "/" }).routes.close();
  assert.deepEqual(lines, ["tabard: unknown option patterns of followRoutes, ignored", "tabard: unknown option host of followRoutes, ignored: it follows paths; leave it out where each organization has a host"]);
});

test("what would be silent, or would fail later, is named at once", async (t) => {
  const lines = [];
  t.mock.method(console, "warn", (line) => lines.push(line));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { client, routes } = open({ navigate() {} });
  assert.throws(() => routes.blocker(true), /routes.blocker takes a function.*given: true/);
  await assert.rejects(routes.go("https://other.example/globex/a"), /routes.go leads to addresses of .*location.assign/);
  for (const except of ["settings", { 0: "settings" }]) {
    assert.throws(() => followRoutes(client, { except }), /except must be a list/);
    assert.throws(() => organizationOf({ url: "https://acme.app.example.com", host: ":organization.app.example.com", except }), /except must be a list/);
  }
  assert.throws(() => followRoutes({ pattern: "/:organization/*" }), /takes the client first/);
  assert.throws(() => followTheme(), /takes the client first/);
  assert.throws(() => followRoutes(client, { navigate: null }), /navigate of followRoutes must be a function; given: null/);
  assert.throws(() => followRoutes(client, { home: "/notes" }), /home of followRoutes must be a function/);
  assert.throws(() => organizationOf("/:organization/*"), /takes an object, as in organizationOf\({ pattern: "\/:organization\/\*" }\)/);
  assert.throws(() => organizationOf({ pattern: ["/:organization/*"] }), /must begin with "\/" and have a segment :organization/);
  await assert.rejects(routes.go("acme"), /takes an address, and "acme" is an organization/);
  await assert.rejects(routes.go({ pathname: "/globex/x" }), /takes an address, as in routes.go/);
  void routes.go("/globex/a");
  await settle();
  t.mock.timers.tick(1500);
  assert.match(lines.shift(), /navigate of followRoutes was asked for .*globex.a, returned nothing/);
  followRoutes(client, { navigate() {} }).close();
  assert.deepEqual(lines, [], "a hot reload");
  followRoutes(client, { pattern: "/app/:organization/*" }).close();
  assert.match(lines.shift(), /second followRoutes with another pattern/);
});

const enters = [acme, globex].map((organization) => ({ ...organization, roles: [], state: "available" }));
const denial = (named) => state({ status: "denied", organization: null, organizations: enters, named, error: { code: "organization_access_denied", action: "stop", description: "" } });
const addresses = {
  "an except that organizationOf was not given": { options: { except: ["settings"] }, path: "/settings/profile", begins: denial("settings"), line: /organization "settings" of this address, in which followRoutes reads none/ },
  "another pattern than organizationOf's": { options: { pattern: "/shop/:organization/*" }, path: "/shop/globex/a", begins: denial("shop"), line: /"shop" of this address, in which followRoutes reads "globex"/ },
  "a base that both patterns lack": { path: "/app/acme/notes", begins: denial("app"), line: /names "app".*"\/app\/:organization\/\*"/ },
  "an organization that is a function": { begins: denial("[not a text]"), line: /with something else than a text as the organization: give it what organizationOf\(\) returns/ },
  "an organization that is a path": { begins: denial("/acme/notes"), line: /with a path as the organization/ },
  "a guard that promises": { act: ({ routes }) => routes.blocker(async () => true)({}), line: /returned a promise, which counts as a yes/ },
  "a hash router": { path: "/#/acme/notes", line: /names "acme" behind "#"/ },
  "a home of the name": { options: { home: ({ slug }) => `/${slug} Inc/` }, act: ({ tab }) => tab.wear(globex), line: /home .*"globex".*names "globex Inc"/ },
  "a navigate that adds a base": { options: { navigate: (url) => history.pushState(null, "", "/app" + new URL(url).pathname) }, act: ({ routes }) => void routes.go("/globex/a"), line: /asked for \/globex\/a and went to \/app\/globex\/a.*"\/app\/:organization\/\*"/ },
};
for (const [name, { options, path, begins, act, line }] of Object.entries(addresses)) {
  test(`an address that cannot be meant is said once: ${name}`, async (t) => {
    const lines = [];
    t.mock.method(console, "error", (text) => lines.push(text));
    const opened = open(options, path, begins);
    await settle();
    act?.(opened);
    await settle();
    opened.routes.follow();
    opened.routes.close();
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0], line);
  });
}

test("routes that are told nothing say so, where the page follows by hand", async (t) => {
  const lines = [];
  t.mock.method(console, "error", (line) => lines.push(line));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const navigation = new EventTarget();
  t.after(() => delete globalThis.navigation);
  globalThis.navigation = navigation;
  const { routes } = open({ manual: true });
  const goes = (url) => {
    history.pushState(null, "", url);
    navigation.dispatchEvent(new Event("currententrychange"));
    t.mock.timers.tick(3000);
  };
  goes("/acme/b");
  assert.deepEqual(lines, []);
  goes("/globex/b");
  assert.deepEqual(lines, ['tabard: the address names "globex", and the tab is in "acme": call routes.follow() when your router has arrived, or leave out manual']);
  routes.follow();
  assert.equal(routes.state.status, "switching");
});

test("an address that may be meant is not commented on", async (t) => {
  const said = t.mock.method(console, "error", () => {}).mock;
  const navigate = (url) => history.pushState(null, "", new URL(url).pathname === "/" ? "/acme/" : url);
  for (const [options, path, begins] of [
    [{}, "/nowhere/notes", denial("nowhere")], [{}, "/nowhere/acme-notes", denial("nowhere")], [{}, "/", denial("acme")],
    [{}, "/acme/#/globex/notes"], [{}, "/#/profile"], [{ except: ["settings"] }, "/settings#/profile"],
    [{ navigate, home: ({ id }) => `/${id}/` }, "/acme/a"], [{ home: () => "/" }, "/acme/a"],
  ]) {
    const { routes, tab } = open(options, path, begins);
    await settle();
    if (!begins) tab.wear(globex);
    await routes.go("/");
    await settle();
    routes.close();
  }
  assert.deepEqual(said.calls.map(({ arguments: [text] }) => text), []);
});

test("an organization whose slug was changed takes its address along, and the router need not ask", async () => {
  const went = [];
  const navigate = (url, { replace }) => (went.push([url, replace, guarded({ nextLocation: new URL(url) })]), history.replaceState(null, "", url));
  const { routes, tab } = open({ navigate }, "/acme/a?b=1#c");
  const guarded = routes.blocker(() => true);
  tab.wear({ ...acme, slug: "acme-inc" });
  await settle();
  assert.deepEqual([went, location.href, routes.state.status, tab.asked], [[["https://app.example/acme-inc/a?b=1#c", true, false]], "https://app.example/acme-inc/a?b=1#c", "settled", []]);
  tab.wear({ ...acme, slug: "acme-inc" });
  tab.wear({ ...acme, slug: "acme-ag" });
  await settle();
  assert.deepEqual([went.length, location.pathname], [2, "/acme-ag/a"]);
});

test("a tab whose person was changed follows its address", async () => {
  const { tab, routes } = open();
  tab.state = state({ status: "choose", organization: null, user: { ...ada, id: "usr_dana" }, organizations: enters });
  tab.listeners.forEach((listener) => listener(tab.state));
  assert.deepEqual([tab.asked.map(({ name }) => name), routes.state.status], [["acme"], "switching"]);
  tab.asked[0].resolve("token");
  await settle();
  assert.deepEqual([tab.state.organization, location.pathname, routes.state.status], [acme, "/acme/a", "settled"]);
});

test("an address that names an organization by its id, or none, stays where the slug changes", async () => {
  for (const path of ["/org_acme/a", "/"]) {
    const { tab, entries, routes } = open({ except: [""] }, path.replace("org_acme", acme.id));
    tab.wear({ ...acme, slug: "acme-inc" });
    await settle();
    assert.equal(entries.length, 1);
    assert.equal(location.pathname, path.replace("org_acme", acme.id));
    routes.close();
  }
});

test("routes that were closed follow nothing more", async () => {
  const { routes, tab, push } = open();
  push("/globex/a");
  routes.close();
  tab.asked[0].resolve("token");
  await settle();
  assert.equal(tab.state.organization, acme);
  assert.equal(tab.listeners.size, 0);
  push("/globex/b");
  assert.equal(tab.asked.length, 1);
});

// @ts-nocheck
// The client's inputs from elsewhere: prototypes, other tabs, storage, callers.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { createClient } from "../index.js";
import { createFakeClient } from "../testing.js";
import { followRoutes, organizationOf } from "../routes.js";
import { open } from "./open.js";
import { acme, ada, globex, key, publish, remember, set, settle, state } from "./stage.js";

/** Whatever a script may have put on all objects, while a test runs. */
const polluted = {
  backend: "https://evil.example", module: "/evil/module.json", organization: "globex", app: "evil", apis: ["https://evil.example"],
  keepAlive: true, returnTo: "https://evil.example", scope: "everywhere", integrity: "", loginUrl: "https://evil.example/login", reason: "evil",
  pattern: "/evil/:organization", except: ["acme"], navigate: () => assert.fail("navigates by a stranger's"), home: () => "/evil",
  replace: true, method: "DELETE", headers: { evil: "1" }, body: "evil", credentials: "include",
};
function pollute(t) {
  for (const [name, value] of Object.entries(polluted)) {
    Object.defineProperty(Object.prototype, name, { configurable: true, writable: true, value });
  }
  const clean = () => Object.keys(polluted).forEach((name) => delete Object.prototype[name]);
  t.after(clean);
  return clean;
}

test("options that an object inherits are none", async (t) => {
  const stage = set();
  const requests = [];
  const send = globalThis.fetch;
  globalThis.fetch = (input, init) => (requests.push(String(input)), send(input, init));
  const clean = pollute(t);
  const client = createClient({ backend: "/auth", ...JSON.parse('{"__proto__":{"module":"/evil/module.json"}}') });
  t.after(() => client.close());
  clean();
  await settle();
  pollute(t);
  assert.equal(requests[0], "https://app.example/auth/client/module.json");
  assert.throws(() => createClient({}), /backend is missing/);
  assert.throws(() => createClient(), /backend is missing/);
  const { organization, app, keepAlive } = stage.host.options;
  assert.deepEqual([organization, app, keepAlive], [undefined, undefined, undefined]);
  await client.signIn({});
  assert.deepEqual(stage.calls.at(-1), ["signIn", "", "https://app.example/page"]);
  await client.signOut({});
  assert.deepEqual(stage.calls.at(-1), ["signOut", "session"]);
  stage.module.switch = () => '{"status":"step_up_required","code":"x","action":"step_up","description":""}';
  await (await client.switchOrganization("acme")).continue({});
  assert.deepEqual(stage.calls.at(-1), ["stepUp", "acme", undefined, "https://app.example/page"]);
  await client.fetch("https://evil.example/notes");
  assert.equal(stage.calls.at(-1)[0], "stepUp", "no token is asked for");
});

test("a request has no more than its caller gave it", async (t) => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  pollute(t);
  await client.fetch("/api/notes", {});
  const [, init] = stage.requests[0];
  assert.deepEqual([init.method, init.body, init.credentials, init.headers.get("evil")], [undefined, undefined, undefined, null]);
});

test("routes are what their caller says", async (t) => {
  set({ href: "https://app.example/acme/notes" });
  const client = open();
  await settle();
  pollute(t);
  assert.equal(organizationOf({}), "acme");
  assert.equal(organizationOf(), "acme");
  const routes = followRoutes(client, {});
  t.after(() => routes.close());
  assert.equal(routes.home(globex), "/globex/");
});

test("what another tab says is heard where it is a word, and nothing else", async () => {
  const stage = set();
  open();
  await settle();
  stage.calls.length = 0;
  const cyclic = {};
  cyclic.self = cyclic;
  for (const data of [10n, Object(10n), Object(Symbol()), cyclic, [], {}, null, undefined, 7, NaN, true, new ArrayBuffer(8), new Date(), new Map(), "x".repeat(1 << 20)]) {
    stage.channel.onmessage({ data });
  }
  assert.deepEqual(stage.calls, []);
  stage.channel.onmessage({ data: "woke" });
  assert.deepEqual(stage.calls, [["hear", "woke"]]);
});

test("a call with anything but text is refused before the module sees it", async () => {
  const stage = set();
  const client = open();
  await settle();
  stage.calls.length = 0;
  const hostile = [10n, 7, {}, [], Symbol(), { toString: () => assert.fail("is read") }];
  for (const value of hostile) {
    await assert.rejects(client.endSession(value), TypeError);
    await assert.rejects(client.signIn({ organization: value }), TypeError);
    await assert.rejects(client.signOut({ scope: value }), TypeError);
    await assert.rejects(client.switchOrganization(value), TypeError);
    assert.throws(() => client.inOrganization(value), TypeError);
  }
  assert.deepEqual(stage.calls, []);
});

/** Calls that cannot be meant, and what they are told. */
const mistaken = {
  "a misspelt option of a sign-in": [(client) => client.signIn({ promt: "login" }), /^signIn has no option promt: it has organization, returnTo, prompt, /],
  "a text for a sign-in": [(client) => client.signIn("acme"), /^signIn takes an object, as in signIn\({ organization: "acme" }\)$/],
  "a list for a sign-in": [(client) => client.signIn(["acme"]), /^signIn takes an object/],
  "a misspelt option of a step-up": [(client) => client.stepUp({ acr: "urn:mfa" }), /^stepUp has no option acr: it has acrValues, maxAge/],
  "a text for a step-up": [(client) => client.stepUp("urn:mfa"), /^stepUp takes an object, as in stepUp\({ acrValues: "urn:mfa" }\)$/],
  "a misspelt option of a proof": [(client) => client.proof("/api/notes", { methd: "PUT" }), /^proof has no option methd: it has method, signal$/],
  "a text for a proof": [(client) => client.proof("/api/notes", "PUT"), /^proof takes an object, as in proof\(url, { method: "PUT" }\)$/],
  "a proof for another origin": [(client) => client.proof("https://other.example/notes"), /^https:\/\/other.example is none of the client's apis/],
  "a misspelt option of a sign-out": [(client) => client.signOut({ scop: "organization" }), /^signOut has no option scop: it has scope, account, returnTo$/],
  "a misspelt scope": [(client) => client.signOut({ scope: "organisation" }), /^signOut has no scope organisation, only organization, session/],
  "a text for a sign-out": [(client) => client.signOut("organization"), /^signOut takes an object, as in signOut\({ scope: "organization" }\)$/],
  "a text for a switch of accounts": [(client) => client.switchAccount("usr_ada", "acme"), /^switchAccount takes an object, as in switchAccount\(id, { organization: "acme" }\)$/],
  "a misspelt option of one": [(client) => client.switchAccount("usr_ada", { org: "acme" }), /^switchAccount has no option org: it has organization$/],
  "an account without an id": [(client) => client.switchAccount({ id: "usr_ada" }), /^switchAccount takes the id of a person/],
  "a misspelt option of a token": [(client) => client.getToken({ forceRefesh: true }), /^getToken has no option forceRefesh: it has audience, permissions, seconds, forceRefresh$/],
  "another library's argument": [(client) => client.getToken(true), /^getToken takes an object/],
  "an audience alone": [(client) => client.inOrganization("globex").getToken("https://files.example"), /^getToken takes an object, as in getToken\({ audience: "https:/],
  "a misspelt option of a loan": [(client) => client.lend({ permissions: ["notes:read"], ttl: 60 }), /^lend has no option ttl: it has permissions, audience, seconds$/],
  "a list for a loan": [(client) => client.lend(["notes:read"]), /^lend takes an object, as in lend\({ permissions: … }\)$/],
  "a WebSocket's protocols": [(client) => client.connect("/live", ["chat"]), /^connect takes an address alone/],
  "options of a switch": [(client) => client.switchOrganization("globex", { returnTo: "/globex/" }), /^organization must be an id or slug alone$/],
  "an object for a switch": [(client) => client.switchOrganization({ organization: "globex" }), /^organization must be an id or slug alone$/],
  "options of a second organization": [async (client) => client.inOrganization("globex", { signal: null }), /^organization must be an id or slug alone$/],
  "options of a new tab": [async (client) => client.openTab("globex", { url: "/globex/" }), /^organization must be an id or slug alone$/],
  "no listener": [async (client) => client.subscribe(), /^a listener must be a function$/],
  "a value for a question": [async (client) => client.beforeSwitch(true), /^a listener must be a function$/],
};
for (const [name, [call, message]] of Object.entries(mistaken)) {
  test(`a call that cannot be meant is told so, and has no effect: ${name}`, async () => {
    const stage = set();
    const client = open();
    await settle();
    publish(stage, {});
    stage.calls.length = 0;
    const fake = createFakeClient({ organization: "acme" });
    for (const one of [client, fake]) await assert.rejects(call(one), { name: "TypeError", message });
    assert.deepEqual([stage.calls, stage.opened, stage.requests, fake.departures, fake.state.status], [[], [], [], [], "active"]);
  });
}

test("a window that was opened for a call that cannot be meant is closed", async () => {
  const stage = set();
  const client = open();
  await settle();
  for (const call of [() => client.signIn({ popup: true, promt: "login" }), () => client.stepUp({ popup: true, acr: "urn:mfa" })]) {
    let closed = false;
    stage.popup = { close: () => (closed = true) };
    await assert.rejects(call(), /has no option/);
    assert.ok(closed);
  }
});

test("a way on names an option that it does not have: a window that it would not open, for one", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  stage.module.switch = () => '{"status":"step_up_required","code":"x","action":"step_up","description":"","loginUrl":"https://app.example/auth/login"}';
  const { continue: leave } = await client.switchOrganization("globex");
  const fake = createFakeClient({ organization: "acme", organizations: [{ slug: "acme" }, { slug: "globex", stepUp: true }] });
  const { continue: leaveFake } = await fake.switchOrganization("globex");
  const before = stage.calls.length;
  for (const one of [leave, leaveFake]) await assert.rejects(one({ popup: true }), { name: "TypeError", message: "continue has no option popup: it has returnTo" });
  assert.deepEqual([stage.calls.length, fake.departures], [before, []]);
});

const noRecords = {
  "of a version to come": { version: 2 },
  "with a token that is no text": { held: [{ minted: 0, until: 1e15, answer: { access_token: 7, organization: acme } }] },
  "with a token that is empty": { held: [{ minted: 0, until: 1e15, answer: { access_token: "", organization: acme } }] },
  "with tokens that are no list": { held: { length: 1, 0: {} } },
  "with a list of nothing": { held: [null, 7, "x"] },
  "with a state of another organization": { state: state({ organization: globex }) },
  "with a state that is no object": { state: "active" },
  "with a state without a person": { state: state({ user: null }) },
  "with roles that are no list": { state: state({ roles: "admin" }) },
  "with permissions that are no text": { state: state({ permissions: [{}] }) },
  "with a name that is no text": { state: state({ organization: { ...acme, name: {} } }) },
  "with a person whose name is no text": { state: state({ user: { ...ada, name: {} } }) },
  "with organizations that are no list": { state: state({ organizations: 5 }) },
  "with organizations that are none": { state: state({ organizations: [null] }) },
  "with organizations without a name": { state: state({ organizations: [{ ...globex, name: 7, roles: [], state: "active" }] }) },
  "with organizations without roles": { state: state({ organizations: [{ ...globex, state: "active" }] }) },
  "with an error that is none": { state: state({ error: { code: {} } }) },
  "with a warning that is none": { state: state({ idle: 5 }) },
  "with a state of nobody's": { state: state({ status: "signed_out" }) },
};
for (const [name, record] of Object.entries(noRecords)) {
  test(`no early token: a record ${name}`, async () => {
    set();
    remember({ record });
    const client = open();
    assert.equal(client.state.status, "starting");
    assert.equal(await client.getToken(), "token");
  });
}

test("no early token: a record has what it has itself", async (t) => {
  set();
  remember();
  const { state: shown, ...record } = JSON.parse(sessionStorage.getItem(key));
  sessionStorage.items.set(key, JSON.stringify(record));
  Object.defineProperty(Object.prototype, "state", { configurable: true, value: { ...shown, user: ada } });
  t.after(() => delete Object.prototype.state);
  assert.equal(await open().getToken(), "token");
});

test("an option that cannot be read is the page's own fault, and told to it", () => {
  set();
  const throwing = { backend: "/auth", get organization() { throw new RangeError("mine"); } };
  assert.throws(() => createClient(throwing), /mine/);
  for (const none of [null, [], 7]) assert.throws(() => createClient(none), /backend is missing/);
});

test("wasm_exec.js is preloaded with its integrity before it is imported", async () => {
  set();
  const links = mock.method(document.head, "append").mock;
  open();
  await settle();
  const [link] = links.calls[0].arguments;
  assert.deepEqual([link.rel, link.href.startsWith("data:text/javascript,#"), /^sha256-/.test(link.integrity)], ["modulepreload", true, true]);
});

test("a button's event has no options", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  class ButtonEvent {
    type = "click";
    isTrusted = true;
  }
  const fake = createFakeClient({ organization: "acme" });
  for (const one of [client, fake]) {
    assert.equal(typeof (await one.getToken(new ButtonEvent())), "string");
    await one.signIn(new ButtonEvent());
    await one.signOut(new ButtonEvent());
  }
  assert.deepEqual(stage.calls.slice(-2).map(([name]) => name), ["signIn", "signOut"]);
  assert.deepEqual([stage.calls.at(-1), fake.departures, fake.state.status], [["signOut", "session"], [{ to: "sign_in" }], "signed_out"]);
});

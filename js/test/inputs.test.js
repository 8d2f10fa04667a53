// @ts-nocheck
// The client's inputs from elsewhere: prototypes, other tabs, storage, callers.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { createClient } from "../index.js";
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

test("an option that a call does not have is named, and nothing happens", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  stage.calls.length = 0;
  stage.popup = { close: () => (stage.closed = true) };
  await assert.rejects(client.signIn({ promt: "login" }), { name: "TypeError", message: "signIn has no option promt" });
  await assert.rejects(client.signIn("acme"), /signIn takes its options by name, in an object; given: acme/);
  await assert.rejects(client.signIn({ popup: true, promt: "login" }), /signIn has no option promt/);
  assert.ok(stage.closed);
  await assert.rejects(client.proof("/api/notes", { methd: "PUT" }), { name: "TypeError", message: "proof has no option methd" });
  await assert.rejects(client.signOut({ scope: "organisation" }), { name: "TypeError", message: /^signOut has no scope organisation, only organization, session/ });
  await assert.rejects(client.switchAccount("usr_ada", "acme"), { name: "TypeError", message: 'switchAccount takes an object, as in switchAccount(id, { organization: "acme" })' });
  assert.deepEqual(stage.calls, []);
  await client.signIn(Object.assign(Object.create({ type: "click" }), { isTrusted: true })); // a button's event
  assert.equal(stage.calls[0][0], "signIn");
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

test("a call that was meant otherwise has no effect", async () => {
  const stage = set();
  const client = open();
  await settle();
  const before = stage.calls.length;
  for (const meant of ["organization", { scop: "organization" }]) await assert.rejects(client.signOut(meant), TypeError);
  await assert.rejects(client.proof("/files", "PUT"), TypeError);
  assert.deepEqual(stage.calls.slice(before), []);
  class ButtonEvent {
    type = "click";
  }
  await client.signOut(new ButtonEvent());
  assert.deepEqual(stage.calls.at(-1), ["signOut", "session"]);
});

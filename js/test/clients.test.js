// @ts-nocheck
// One client a page.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { createClient } from "../index.js";
import { globex, publish, set, settle } from "./stage.js";

const address = () => `https://app.example/module.json?${Math.random()}`;

/** Another copy of the package, as of a micro-frontend or a hot reload. */
const copy = async () => (await import(`../src/client.js?${Math.random()}`)).createClient;

test("a second client of the page is the first", async (t) => {
  const stage = set();
  const options = { backend: "/auth", module: address(), apis: ["https://app.example", "https://api.example"], organization: "acme" };
  const client = createClient(options);
  t.after(() => client.close());
  for (const create of [createClient, await copy(), await copy()]) {
    assert.equal(create(options), client);
    assert.equal(create({ ...options, backend: "https://app.example/auth/", organization: undefined, keepAlive: false }), client);
  }
  await settle();
  assert.equal(stage.starts, 1);
});

test("another option is named", async (t) => {
  const stage = set();
  const options = { backend: "/auth", module: address(), organization: "acme" };
  const client = createClient(options);
  t.after(() => client.close());
  const other = await copy();
  for (const [name, value] of Object.entries({ app: "other", apis: ["https://api.example"], keepAlive: true, module: address(), organization: "globex" })) {
    assert.throws(() => other({ ...options, [name]: value }), { name: "TypeError", message: new RegExp(`https://app.example/auth .*another ${name}`) });
  }
  await settle();
  publish(stage, {});
  assert.equal(createClient({ ...options, organization: "org_a" }), client);
  publish(stage, { organization: globex, fence: 2 });
  assert.equal(createClient({ ...options, organization: "globex" }), client, "a hot reload at the address of today");
  assert.throws(() => createClient(options), /another organization/);
  publish(stage, { status: "signed_out", organization: null, user: null, fence: 3 });
  assert.equal(createClient(options), client);
});

test("another backend has a client of its own, and a closed one makes room", (t) => {
  set();
  const clients = [createClient({ backend: "/auth", module: address() }), createClient({ backend: "/other", module: address() })];
  t.after(() => clients.forEach((client) => client.close()));
  assert.notEqual(clients[0], clients[1]);
  clients[0].close();
  clients.push(createClient({ backend: "/auth", module: address(), app: "other" }));
  assert.notEqual(clients[2], clients[0]);
});

test("an unknown option is named, with the one that was meant, and ignored", async (t) => {
  set();
  const { mock: errors } = mock.method(console, "error", () => {});
  const client = createClient({ backend: "/auth", module: address(), organisation: "acme", api: [], colour: "red" });
  t.after(() => client.close());
  await settle();
  const said = errors.calls.map(({ arguments: [text] }) => text);
  assert.deepEqual(said, [
    "tabard: unknown option organisation, ignored: did you mean organization?",
    "tabard: unknown option api, ignored: did you mean apis?",
    "tabard: unknown option colour, ignored",
  ]);
});

test("a backend that is no option, and a request that went without a token, are said once", async (t) => {
  set();
  const { mock: errors } = mock.method(console, "error", () => {});
  const { explainApi, explainOption } = await import("../src/causes.js");
  Object.keys({ ..."/auth" }).forEach(explainOption);
  const client = createClient({ backend: "/auth", module: address(), apis: "https://api.example" });
  t.after(() => client.close());
  mock.method(globalThis, "fetch", async () => { throw new TypeError("Failed to fetch"); });
  for (let i = 0; i < 2; i++) await assert.rejects(client.fetch("https://other.example/notes"), /Failed to fetch/);
  await settle();
  globalThis.fetch = async () => new Response("", { status: 401 });
  for (let i = 0; i < 2; i++) assert.equal((await client.fetch("/notes")).status, 401);
  await settle();
  globalThis.fetch = async () => new Response("", { status: 404 });
  await client.fetch("https://third.example/notes");
  globalThis.fetch = async () => { throw null; };
  await client.fetch("https://fourth.example/notes").then(assert.fail, (reason) => assert.equal(reason, null));
  await settle();
  await explainApi("https://third.example", Promise.reject({ name: "AbortError" }));
  const said = errors.calls.map(({ arguments: [text] }) => text).filter((text) => /by name|none of/.test(text));
  assert.deepEqual(said, [
    'tabard: createClient takes its options by name: createClient({ backend: "/auth" })',
    'tabard: https://other.example is none of the client\'s apis, so that no token went there: if it is your API, name it by apis, as in apis: [location.origin, "https://other.example"]',
    "tabard: https://app.example is none of the client's apis, so that no token went there: the page's own origin, which apis replaces: name it as well, as in apis: [location.origin, …]",
    'tabard: https://fourth.example is none of the client\'s apis, so that no token went there: if it is your API, name it by apis, as in apis: [location.origin, "https://fourth.example"]',
  ]);
});

test("without a backend, the options that there are are named", () => {
  set();
  const missing = 'backend is missing, as in createClient({ backend: "/auth" }); given: ';
  for (const [options, given] of [[{ url: "/auth" }, "url"], ["/auth", "0,1,2,3,4"], [["/auth"], "0"], [new URL("https://app.example/auth"), ""], [null, ""], [{ backend: null }, "backend"]]) {
    assert.throws(() => createClient(options), { name: "TypeError", message: missing + given });
  }
});

// @ts-nocheck
import assert from "node:assert/strict";
import { test } from "node:test";

import { createElement as h } from "react";
import { renderToString } from "react-dom/server";
import { createSSRApp, h as vue } from "vue";
import { renderToString as renderVue } from "vue/server-renderer";

import { acme, globex, set, state } from "./stage.js";

const { createClient } = await import("../index.js");
const { organizationOf, partitionOf, sessionOf } = await import("../svelte.js");
const react = await import("../react.js");
const binding = await import("../vue.js");
const { activeOrganization, fetchIn, hasPermission, isSignedIn, proofIn, switchesOf, tokenFor } = await import("../src/starting.js");
const { TabardSwitcher } = await import("../switcher.js");

test("on a server every binding renders what is not known yet", async () => {
  const client = createClient({ backend: "/auth" });
  const Page = () => h("p", null, [react.useSession().status, react.useOrganization()?.name, react.usePartition().key].join());
  assert.equal(renderToString(h(react.TabardProvider, { client }, h(Page))), "<p>starting,,</p>");
  const app = createSSRApp({
    setup() {
      const [session, organization] = [binding.useSession(), binding.useOrganization()];
      return () => vue("p", [session.value.status, organization.value?.name].join());
    },
  });
  assert.equal(await renderVue(app.use(binding.createTabard(client))), "<p>starting,</p>");
  let status;
  sessionOf(client).subscribe((told) => (status = told.status))();
  assert.equal(status, "starting");
  assert.equal(typeof TabardSwitcher, "function", "the element can be imported, and is not defined");
});

test("a component outside of the provider is told so", () => {
  assert.throws(() => renderToString(h(() => react.useSession().status)), /TabardProvider/);
});

test("an organization is active while its data may be shown, and is the same object while it is the same", () => {
  assert.equal(activeOrganization(state(), null).id, acme.id);
  const before = { ...acme };
  assert.equal(activeOrganization(state({ idle: { secondsLeft: 3 } }), before), before);
  assert.notEqual(activeOrganization(state({ organization: { ...acme, name: "Acme Inc." } }), before), before);
  for (const status of ["ended", "choose", "signed_out"]) assert.equal(activeOrganization(state({ status }), before), null, status);
});

test("Svelte's stores tell their value at once, and then each other one", () => {
  let listener;
  const client = { state: state(), partition: { key: "a" }, subscribe: (f) => ((listener = f), () => (listener = undefined)) };
  const told = [];
  const stops = [organizationOf(client), partitionOf(client)].map((store) => store.subscribe((value) => told.push(value.slug ?? value.key)));
  assert.deepEqual(told, ["acme", "a"]);
  client.partition = { key: "g" };
  listener();
  listener();
  assert.deepEqual(told, ["acme", "a", "g"]);
  stops.forEach((stop) => stop());
  assert.equal(listener, undefined);
  let organization;
  organizationOf(client).subscribe((value) => (organization = value));
  client.state = state({ organization: globex });
  listener();
  assert.equal(organization.slug, "globex");
});

test("a function that gets a token never gets another organization's", async () => {
  const controller = new AbortController();
  let resolve;
  const client = { getToken: () => new Promise((settle) => (resolve = settle)) };
  const token = tokenFor(client, { key: "usr/org_a", signal: controller.signal });
  const first = token();
  resolve("of Acme");
  assert.equal(await first, "of Acme");
  const second = token();
  controller.abort();
  resolve("of Globex");
  await assert.rejects(second, { name: "AbortError" });
  await assert.rejects(token(), { name: "AbortError" });
});

test("what a form began for one organization never goes to another, however late it asks", async () => {
  set();
  const { createFakeClient } = await import("../testing.js");
  const fake = createFakeClient({ apis: ["https://app.example"], organization: "acme", organizations: [{ slug: "acme" }, { slug: "globex" }] });
  const sent = [];
  globalThis.fetch = async (url, init) => (sent.push(String(url)), init.signal.throwIfAborted(), new Response("ok"));
  const send = fetchIn(fake, fake.partition);
  await send("https://app.example/notes", { method: "POST", body: "for Acme" });
  const own = new AbortController();
  const request = new Request("https://app.example/notes", { signal: own.signal });
  own.abort();
  await assert.rejects(send(request), { name: "AbortError" }, "its own signal counts too");
  await assert.rejects(send("https://app.example/notes", { signal: own.signal }), { name: "AbortError" });
  sent.length = 0;
  fake.switchTo("globex");
  await assert.rejects(send("https://app.example/notes", { method: "POST", body: "for Acme" }), { name: "AbortError", code: "organization_left" });
  assert.deepEqual(sent, []);
  await fetchIn(fake, fake.partition)("https://app.example/notes");
  assert.deepEqual(sent, ["https://app.example/notes"]);
  const prove = proofIn(fake, fake.partition);
  assert.match((await prove("https://app.example/files", { method: "PUT" })).Authorization, /^Bearer /);
  await assert.rejects(prove("https://app.example/files", { signal: own.signal }), { name: "AbortError" });
  fake.switchTo("acme");
  await assert.rejects(prove("https://app.example/files", { method: "PUT" }), { name: "AbortError", code: "organization_left" });
});

test("a signed-in person, and a permission of the organization on the screen", () => {
  for (const [changes, want] of [[{}, true], [{ status: "signed_out", user: null }, false], [{ status: "starting", user: null }, false], [{ status: "starting" }, true],
    [{ status: "denied", user: null }, true], [{ status: "ended" }, true], [{ status: "choose" }, true], [{ status: "unavailable", user: null }, false]]) {
    assert.equal(isSignedIn(state(changes)), want, JSON.stringify(changes));
  }
  const permissions = ["notes:read"];
  assert.equal(hasPermission(state({ permissions }), "notes:read"), true);
  assert.equal(hasPermission(state({ permissions }), "notes:write"), false);
  for (const status of ["ended", "choose", "denied", "signed_out"]) assert.equal(hasPermission(state({ permissions, status }), "notes:read"), false, status);
});

test("the last switch tells how it goes", async () => {
  const told = [];
  const answers = [];
  const change = switchesOf({ switchOrganization: () => new Promise((resolve) => answers.push(resolve)) }, (switching) => told.push([switching.switching, switching.result?.status ?? null].join()));
  const [first, second] = [change("globex"), change("acme")];
  answers[1]({ status: "switched" });
  answers[0]({ status: "overtaken" });
  assert.deepEqual([(await first).status, (await second).status], ["overtaken", "switched"]);
  assert.deepEqual(told, ["globex,", "acme,", ",switched"]);
});

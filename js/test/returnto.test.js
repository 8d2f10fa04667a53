// @ts-nocheck
// Where a sign-in comes back to.

import assert from "node:assert/strict";
import { test } from "node:test";

import { followRoutes } from "../routes.js";
import { createFakeClient } from "../testing.js";
import { open } from "./open.js";
import { publish, set, settle } from "./stage.js";

const long = "https://app.example/list?filter=" + "%7B\"x'|".repeat(300) + "#/part?a={b}";

/** Begins a sign-in and returns where it comes back to, and the page that it was begun at. */
async function begun(options) {
  const stage = set();
  const client = open();
  await settle();
  await client.signIn(options);
  return { stage, client, back: new URL(stage.calls.at(-1)[2]) };
}

/** Comes back to an address in the same tab. */
async function landed(href) {
  const kept = globalThis.sessionStorage;
  const stage = set({ href });
  globalThis.sessionStorage = kept;
  open();
  await settle();
  return stage;
}

test("a short address is carried as it is", async () => {
  for (const address of ["https://app.example/o'neil?a={b}|c^`#/x?y={z}", "https://app.example/" + "a".repeat(180)]) {
    const { back } = await begun({ returnTo: address });
    assert.equal(back.href, new URL(address).href);
  }
});

test("a long address waits in the tab, and the page that is come back to goes on to it", async () => {
  const { stage, back } = await begun({ returnTo: long });
  assert.ok(back.href.length <= 200);
  assert.equal(back.pathname, "/list");
  const page = await landed(back.href);
  assert.equal(page.left, new URL(long).href);
  assert.equal(String(page.replaced[2]), "https://app.example/list");
  assert.equal((await landed(back.href)).left, undefined); // once
  assert.equal(stage.left, undefined);
});

test("a long path comes back by the app's start", async () => {
  const { back } = await begun({ returnTo: "/" + "a".repeat(3000) });
  assert.equal(back.pathname, "/");
  assert.equal((await landed(back.href)).left, "https://app.example/" + "a".repeat(3000));
});

test("a step-up takes a long address along too", async () => {
  const { stage, client } = await begun();
  stage.module.switch = () => JSON.stringify({ status: "step_up_required", code: "c", action: "step_up", description: "d", loginUrl: "/auth/login?x" });
  const result = await client.switchOrganization("globex");
  await result.continue({ returnTo: long });
  assert.equal((await landed(stage.calls.at(-1)[3])).left, new URL(long).href);
});

test("what the sign-in came back with goes along", async () => {
  const { back } = await begun({ returnTo: long });
  back.searchParams.append("tabard_error", "access_denied");
  const { left } = await landed(back.href);
  const [address, fragment] = new URL(long).href.split("#");
  assert.equal(left, address + "&tabard_error=access_denied#" + fragment);
});

test("nothing but an address of the page's own that was carried is gone on to", async () => {
  const { back } = await begun({ returnTo: long });
  const name = "tabard:return:" + back.searchParams.get("tabard_return");
  for (const forged of ["https://evil.example/", "javascript:alert(1)", long + "x", "", "/list"]) {
    sessionStorage.setItem(name, forged);
    assert.equal((await landed(back.href)).left, undefined, forged);
  }
  assert.equal((await landed("https://app.example/?tabard_return=made-up")).left, undefined);
});

test("an address of another origin, and blocked storage, keep nobody from signing in", async () => {
  const other = await begun({ returnTo: "https://beta.example/" + "a".repeat(3000) });
  assert.equal(other.back.href.length, 21 + 3000);
  const stage = set();
  sessionStorage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const client = open();
  await settle();
  await client.signIn({ returnTo: long });
  assert.equal(stage.calls.at(-1)[2], "https://app.example/list");
});

/** A signed-out page of an app whose addresses name the organization, with a real client and a fake one. */
async function followed(t) {
  const stage = set({ href: "https://app.example/acme/notes" });
  stage.popup = { close: () => (stage.closed = true) };
  const client = open({ organization: "acme" });
  await settle();
  publish(stage, { status: "signed_out", organization: null, user: null });
  const fake = createFakeClient({ organization: "acme", organizations: [{ slug: "acme" }, { slug: "globex", stepUp: true }], status: "signed_out" });
  for (const one of [client, fake]) {
    const routes = followRoutes(one);
    t.after(() => routes.close());
  }
  return { stage, client, fake };
}

const another = { name: "TypeError", message: /^\/globex\/notes is an address of globex, for which the tab would act, not for acme: give one of acme, such as \/acme\/, or none$/ };

test("a sign-in for an organization comes back to no address of another one", async (t) => {
  const { stage, client, fake } = await followed(t);
  const before = stage.calls.length;
  for (const one of [client, fake]) await assert.rejects(one.signIn({ organization: "acme", returnTo: "/globex/notes" }), another);
  await assert.rejects(client.signIn({ organization: "acme", returnTo: "/globex/notes", popup: true }), another);
  assert.deepEqual([stage.calls.slice(before), fake.departures, stage.closed], [[], [], true]);
  for (const [options, back] of [
    [{ organization: "globex" }, "https://app.example/globex/"], // at an address of Acme's
    [{ organization: "acme" }, "https://app.example/acme/notes"],
    [{ organization: "acme", returnTo: "/" }, "https://app.example/"],
    [{ organization: "acme", returnTo: "/acme/notes?a=1" }, "https://app.example/acme/notes?a=1"],
    [{ returnTo: "/globex/notes" }, "https://app.example/globex/notes"],
    [{}, "https://app.example/acme/notes"],
  ]) {
    await client.signIn(options);
    assert.equal(stage.calls.at(-1)[2], back, JSON.stringify(options));
    await fake.signIn(options);
    assert.equal(new URL(fake.departures.at(-1).returnTo ?? location.href, location.href).href, back, JSON.stringify(options));
  }
});

test("so does a step-up", async (t) => {
  const { stage, client, fake } = await followed(t);
  publish(stage, {});
  stage.module.token = () => `e30.${Buffer.from(JSON.stringify({ org_id: "org_a" })).toString("base64url")}.x`;
  fake.switchTo("acme");
  for (const one of [client, fake]) await assert.rejects(one.stepUp({ returnTo: "/globex/notes" }), { ...another, message: /is an address of globex, for which the tab would act, not for org_a/ });
  stage.module.switch = stage.module.enter = () => '{"status":"step_up_required","code":"x","action":"step_up","description":"","loginUrl":"https://app.example/auth/login"}';
  for (const one of [client, fake]) {
    const { continue: leave } = await one.switchOrganization("globex");
    await assert.rejects(leave({ returnTo: "/acme/notes" }), { name: "TypeError", message: /^\/acme\/notes is an address of acme/ });
    await leave();
  }
  assert.equal(stage.calls.at(-1)[3], "https://app.example/globex/");
  assert.equal(fake.departures.at(-1).returnTo, "https://app.example/globex/");
});

test("so does a new tab of a fake client", async (t) => {
  const { fake } = await followed(t);
  assert.throws(() => fake.openTab("acme", "/globex/notes"), another);
  fake.openTab("globex");
  assert.deepEqual(fake.departures, [{ to: "new_tab", organization: "globex", returnTo: "https://app.example/globex/" }]);
});

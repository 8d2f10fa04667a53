// @ts-nocheck
// The question before a tab leaves its organization.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { gateOf } from "../src/gate.js";
import { open } from "./open.js";
import { acme, globex, publish, set, settle } from "./stage.js";

/** A client in Acme, whose switches the module performs. */
async function inAcme() {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  stage.module.switch = (name) => JSON.stringify({ status: "switched", organization: { ...globex, slug: name } });
  const switches = () => stage.calls.filter(([name]) => name === "switch").map(([, to]) => to);
  return { stage, client, switches };
}

const declined = { status: "refused", code: "switch_declined", action: "stop", description: "the page stays in its organization" };

test("a listener is asked before the switch, and its no keeps the organization", async () => {
  const { client, switches } = await inAcme();
  const asked = [];
  let answer;
  const stop = client.beforeSwitch((change) => (asked.push(change), answer));
  answer = false;
  assert.deepEqual(await client.switchOrganization("globex"), declined);
  assert.deepEqual([asked, switches()], [[{ from: acme, to: "globex" }], []]);
  answer = Promise.resolve(false);
  assert.deepEqual(await client.switchOrganization("globex"), declined);
  for (answer of [true, undefined, null, Promise.resolve(true), Promise.resolve()]) {
    assert.equal((await client.switchOrganization("globex")).status, "switched");
  }
  assert.equal(asked.length, 7);
  stop();
  answer = false;
  assert.equal((await client.switchOrganization("globex")).status, "switched");
  assert.equal(asked.length, 7);
});

test("a listener that fails keeps the organization, and is reported", async () => {
  const { stage, client, switches } = await inAcme();
  for (const fails of [() => { throw new Error("mine"); }, () => Promise.reject(new Error("mine"))]) {
    const stop = client.beforeSwitch(fails);
    assert.deepEqual(await client.switchOrganization("globex"), declined);
    stop();
  }
  assert.deepEqual([switches(), stage.errors.map(String)], [[], ["Error: mine", "Error: mine"]]);
});

test("a listener that answers a text keeps the organization and is told what to answer", async () => {
  const { stage, client, switches } = await inAcme();
  for (const listener of [() => "Really leave?", async () => 1]) {
    const stop = client.beforeSwitch(listener);
    assert.deepEqual(await client.switchOrganization("globex"), declined);
    stop();
  }
  const told = stage.errors.map(({ message }) => message);
  assert.match(told[0], /answers true to leave or false to stay; it answered: Really leave\?/);
  assert.match(told[1], /answered: 1/);
  assert.deepEqual(switches(), []);
});

test("each form is asked once, until one says no", async () => {
  const { client } = await inAcme();
  const asked = [];
  client.beforeSwitch(() => void asked.push("clean form"));
  const stop = client.beforeSwitch(() => {
    asked.push("draft");
    stop(); // the form draws anew when it is asked
    client.beforeSwitch(() => (asked.push("the draft again"), true));
    return true;
  });
  client.beforeSwitch(async () => void asked.push("saved"));
  assert.equal((await client.switchOrganization("globex")).status, "switched");
  assert.deepEqual(asked.splice(0), ["clean form", "draft", "saved"]);
  await client.switchOrganization("acme");
  asked.length = 0;
  client.beforeSwitch(() => (asked.push("another draft"), false));
  client.beforeSwitch(() => (asked.push("a third one"), true));
  assert.deepEqual(await client.switchOrganization("globex"), declined);
  assert.deepEqual(asked, ["clean form", "saved", "the draft again", "another draft"]);
});

test("what is typed while a form is saved is saved before the tab goes", async () => {
  const { client } = await inAcme();
  const saved = [];
  let done;
  const stop = client.beforeSwitch(() => (saved.push("a"), new Promise((resolve) => (done = resolve))));
  const leaving = client.switchOrganization("globex");
  await settle();
  stop();
  const end = client.beforeSwitch(() => void saved.push("ab")); // an effect of the text's
  done();
  assert.equal((await leaving).status, "switched");
  assert.deepEqual(saved, ["a", "ab"]);
  end();
});

test("switches that begin while a question is open share its answer", async () => {
  const { client, switches } = await inAcme();
  let answer;
  let asked = 0;
  client.beforeSwitch(() => (asked++, new Promise((resolve) => (answer = resolve))));
  const both = [client.switchOrganization("globex"), client.switchOrganization("initech")];
  await settle();
  answer(false);
  assert.deepEqual(await Promise.all(both), [declined, declined]);
  assert.deepEqual([asked, switches()], [1, []]);
  const later = client.switchOrganization("globex");
  await settle();
  answer(true);
  assert.equal((await later).status, "switched");
  assert.equal(asked, 2);
});

test("a listener that switches is told so at once, and keeps the organization", async () => {
  const { stage, client, switches } = await inAcme();
  const stop = client.beforeSwitch(async ({ to }) => void (await client.switchOrganization(to === "globex" ? "initech" : to)));
  for (const to of ["globex", "initech"]) assert.deepEqual(await client.switchOrganization(to), declined);
  assert.match(stage.errors[0].message, /asked about "globex", switches to "initech" itself/);
  assert.match(stage.errors[1].message, /asked about "initech", switches to "initech" itself/);
  assert.ok(stage.errors.every((error) => error instanceof TypeError));
  stop();
  assert.equal((await client.switchOrganization("globex")).status, "switched");
  assert.deepEqual(switches(), ["globex"]);
});

test("a listener that awaits something before it switches is named on the console", async () => {
  const { client } = await inAcme();
  const { mock: said } = mock.method(console, "warn", () => {});
  client.beforeSwitch(async () => {
    await settle();
    await client.switchOrganization("initech");
  });
  void client.switchOrganization("globex");
  await settle();
  await settle();
  mock.timers.enable({ apis: ["setTimeout"] });
  void client.switchOrganization("globex"); // as the person who waits
  await settle();
  mock.timers.tick(5000);
  assert.deepEqual(said.calls.map(({ arguments: [text] }) => /a switch to "globex" waits for a listener/.test(text)), [true]);
});

test("a question ends with the organization, and the next one is asked anew", async () => {
  const { stage, client, switches } = await inAcme();
  let answer;
  client.beforeSwitch(() => new Promise((resolve) => (answer = resolve)));
  const asked = client.switchOrganization("globex");
  await settle();
  publish(stage, { status: "ended", fence: 2 });
  assert.deepEqual(await asked, declined);
  assert.deepEqual(switches(), []);
  answer = undefined;
  publish(stage, { fence: 3 });
  const later = client.switchOrganization("globex");
  await settle();
  answer(true);
  assert.equal((await later).status, "switched");
});

test("a question of a listener that is gone is asked anew, and declined", async () => {
  const { client, switches } = await inAcme();
  const stop = client.beforeSwitch(() => new Promise(() => {})); // of a form that was taken away
  const first = client.switchOrganization("globex");
  await settle();
  stop();
  let asked = 0;
  let answer;
  client.beforeSwitch(() => (asked++, new Promise((resolve) => (answer = resolve))));
  const second = client.switchOrganization("initech");
  await settle();
  assert.deepEqual([await first, asked], [declined, 1]);
  const third = client.switchOrganization("globex"); // shares the question that is open
  await settle();
  answer(true);
  assert.deepEqual([(await second).status, (await third).status, asked], ["switched", "switched", 1]);
  assert.deepEqual(switches().sort(), ["globex", "initech"]);
});

test("nothing is asked where nothing is left", async () => {
  const { stage, client } = await inAcme();
  client.beforeSwitch(() => assert.fail("asked"));
  await client.switchOrganization("acme");
  await client.switchOrganization("org_a");
  client.openTab("globex");
  client.inOrganization("globex");
  for (const status of ["ended", "choose", "signed_out"]) {
    publish(stage, { status, fence: 2 });
    assert.equal((await client.switchOrganization("globex")).status, "switched", status);
  }
});

test("switches go ahead in the order in which they began, however their questions are loaded", async () => {
  const answers = [];
  const { add, ask } = gateOf({ state: { organization: acme }, partition: { key: "p" } }, () => new Promise((resolve) => answers.push(resolve)));
  add(() => {});
  const order = [];
  const both = ["globex", "initech"].map((to) => ask(to).then((agreed) => order.push([to, agreed])));
  answers[1](undefined);
  await settle();
  answers[0](true);
  await Promise.all(both);
  assert.deepEqual(order, [["globex", true], ["initech", undefined]]);
});

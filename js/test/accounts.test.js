// @ts-nocheck
import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./open.js";
import { key, remember, set } from "./stage.js";

test("the people of the browser are asked of the module", async () => {
  const stage = set();
  stage.module.accounts = () => '[{"id":"usr_a","name":"Ada"}]';
  const client = open();
  const all = await client.accounts();
  assert.deepEqual(all, [{ id: "usr_a", name: "Ada" }]);
  assert.ok(Object.isFrozen(all) && Object.isFrozen(all[0]));
});

test("a switch of the account is the module's, by its id", async () => {
  const stage = set();
  let answer = '{"status":"switched","organization":{"id":"org_g","slug":"globex","name":"Globex"}}';
  stage.module.switchAccount = () => answer;
  const client = open();
  assert.deepEqual(await client.switchAccount("usr_b"), { status: "switched", organization: { id: "org_g", slug: "globex", name: "Globex" } });
  assert.deepEqual(stage.calls.at(-1), ["switchAccount", "usr_b", ""]);
  answer = '{"status":"switched","organization":{"id":"","slug":"","name":""}}';
  assert.deepEqual(await client.switchAccount("usr_b", { organization: "acme" }), { status: "switched" });
  assert.deepEqual(stage.calls.at(-1), ["switchAccount", "usr_b", "acme"]);
  await assert.rejects(client.switchAccount(""), TypeError);
  await assert.rejects(client.switchAccount(7), TypeError);
});

test("a page that stays with its person keeps the account", async () => {
  const stage = set();
  remember();
  const client = open();
  client.beforeSwitch(({ to }) => to !== "usr_b");
  assert.equal((await client.switchAccount("usr_b")).code, "switch_declined");
  assert.ok(!stage.calls.some(([name]) => name === "switchAccount"));
});

test("a tab hands out an early token in its person's epoch, unless its address names a person", async () => {
  for (const [href, epochs, early] of [
    ["https://app.example/page", { ":usr_ada": "ses_1.x" }, true],
    ["https://app.example/page", { "": "ses_1.x", ":usr_bob": "ses_1.x" }, false],
    ["https://app.example/page?tabard_account=usr_bob", { ":usr_ada": "ses_1.x" }, false],
  ]) {
    const stage = set({ href });
    remember({ record: { account: ":usr_ada" }, epoch: null });
    for (const [of, epoch] of Object.entries(epochs)) localStorage.items.set(key + ":epoch" + of, epoch);
    stage.loads = false;
    const client = open();
    assert.equal(client.state.status, early ? "active" : "starting", href);
    client.close();
  }
});

test("a sign-out names another person of the browser", async () => {
  const stage = set();
  const client = open();
  await client.signOut({ account: "usr_b" });
  assert.deepEqual(stage.calls.at(-1), ["signOut", "usr_b"]);
  await client.signOut({ account: "usr_b", scope: "session", returnTo: "bye" });
  assert.deepEqual(stage.calls.at(-1), ["signOut", "usr_b", "https://app.example/bye"]);
  await client.signOut({ scope: "browser" });
  assert.deepEqual(stage.calls.at(-1), ["signOut", "browser"]);
});

test("a switch of the account that cannot be loaded is unavailable, and throws nothing", async () => {
  const stage = set();
  stage.loads = false;
  const client = open();
  const result = await client.switchAccount("usr_b");
  assert.deepEqual([result.status, result.action], ["unavailable", "retry"]);
});

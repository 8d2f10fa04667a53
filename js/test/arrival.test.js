// @ts-nocheck
// A sign-in's result in an address.
import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./open.js";
import { acme, ada, globex, publish, set, settle, state } from "./stage.js";

/** The page to which a sign-in of the tab comes back. */
async function comesBack(href) {
  const first = set();
  const client = open();
  await settle();
  await client.signIn();
  client.close();
  const { items } = sessionStorage;
  const stage = set({ href });
  sessionStorage.items = items;
  return Object.assign(stage, { first });
}

const address = (query) => `https://app.example/p${query}`;

test("how a sign-in ended counts on its return alone, and once", async () => {
  const stage = await comesBack(address("?tabard_error=access_denied"));
  open();
  await settle();
  assert.equal(stage.host.options.arrival, "access_denied");
  const { items } = sessionStorage;
  const later = set({ href: address("?tabard_error=session_revoked") });
  sessionStorage.items = items;
  open();
  await settle();
  assert.equal(later.host.options.arrival, undefined);
  assert.equal(String(later.replaced[2]), address(""));
});

test("a link that says so is not believed", async () => {
  for (const text of ["access_denied", "Your%20account%20is%20locked.%20Call%20555"]) {
    const stage = set({ href: address("?tabard_error=" + text) });
    open();
    await settle();
    assert.equal(stage.host.options.arrival, undefined);
    assert.equal(String(stage.replaced[2]), address(""));
  }
});

test("the rest of the address stays as it is written", async () => {
  for (const [before, after] of [
    ["?tabard_error=x&flag&q=a%20b", "?flag&q=a%20b"],
    ["?flag&q=a%20b&tabard_error=x", "?flag&q=a%20b"],
    ["?a=1+2&tabard_error=Your account&b=%zz&c=~#t?tabard_error=kept", "?a=1+2&b=%zz&c=~#t?tabard_error=kept"],
    ["?tabard_error=x#top", "#top"],
    ["?&tabard_error=x#top?", "?#top?"],
    ["?my_tabard_error=x", "?my_tabard_error=x"],
    ["?tabard_organization=globex&q=%7e'", "?q=%7e'"],
    ["#?tabard_error=x", "#?tabard_error=x"],
    ["?q#tabard_join=a%2Bb", "?q"],
    ["?q#/x?y&tabard_join=a", "?q#/x?y"],
    ["#tabard_joined=a", "#tabard_joined=a"],
  ]) {
    const stage = set({ href: address(before) });
    open();
    await settle();
    assert.equal(String(stage.replaced?.[2] ?? location.href), new URL(address(after)).href, before);
  }
});

test("blocked storage: no address is believed, and the client starts", async () => {
  const stage = await comesBack(address("?tabard_error=access_denied"));
  sessionStorage.getItem = sessionStorage.removeItem = sessionStorage.setItem = () => {
    throw new Error("blocked");
  };
  const client = open();
  await settle();
  assert.equal(stage.host.options.arrival, undefined);
  await client.signIn();
});

const problem = { code: "organization_access_denied", action: "stop", description: "" };

test("an organization that does not admit the person is denied, with who they are and where they may go", async () => {
  const stage = set();
  const client = open({ organization: "nosuch" });
  await settle();
  publish(stage, { status: "ended", denied: "nosuch", organization: null, organizations: [globex], error: problem });
  const { status, named, user, organizations, error } = client.state;
  assert.deepEqual([status, named, user, organizations, error], ["denied", "nosuch", ada, [globex], problem]);
  assert.equal("continue" in client.state || "denied" in client.state, false);
  assert.equal(client.partition.key, "");
  assert.ok(Object.isFrozen(client.state));
  const before = client.state;
  publish(stage, { status: "ended", denied: "nosuch", organization: null, organizations: [globex], error: problem });
  assert.equal(client.state, before);
  publish(stage, {});
  assert.equal(client.state.status, "active");
});

test("one that asks for a step-up leads on", async () => {
  const stage = set();
  const client = open({ organization: "lamna" });
  await settle();
  publish(stage, { status: "ended", denied: "lamna", organization: { ...acme, slug: "lamna" }, error: { ...problem, code: "insufficient_user_authentication", action: "step_up" } });
  stage.module.switch = () => JSON.stringify({ status: "step_up_required", code: "insufficient_user_authentication", action: "step_up", description: "", loginUrl: "/login?x" });
  const result = await client.state.continue({ returnTo: "/back" });
  assert.equal(result.status, "step_up_required");
  assert.deepEqual(stage.calls.slice(-2), [["switch", "lamna"], ["stepUp", "lamna", "/login?x", "https://app.example/back"]]);
  stage.module.switch = () => JSON.stringify({ status: "switched", organization: acme });
  assert.equal((await client.state.continue()).status, "switched");
});

test("a state has what it has itself", async (t) => {
  const stage = set();
  const client = open();
  await settle();
  Object.defineProperty(Object.prototype, "denied", { configurable: true, value: "evil" });
  t.after(() => delete Object.prototype.denied);
  publish(stage, {});
  assert.equal(client.state.status, "active");
});

test("an error says when to ask again", async () => {
  const stage = set();
  stage.module.token = () => {
    throw { code: "rate_limited", action: "retry", description: "", retryAfter: 7 };
  };
  await assert.rejects(open().getToken(), { code: "rate_limited", retryAfter: 7 });
  assert.deepEqual(state().error, null);
});

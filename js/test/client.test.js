// @ts-nocheck
import assert from "node:assert/strict";
import { test } from "node:test";

import { createClient, TabardError } from "../index.js";
import { open } from "./open.js";
import { ada, globex, key, publish, set, settle, state } from "./stage.js";

test("on a server the client is made, stays starting and says that there is no tab", async () => {
  const client = createClient({ backend: "/auth" });
  assert.equal(client.state.status, "starting");
  assert.equal(client.state, client.state);
  await assert.rejects(client.getToken(), { name: "TabardError", code: "not_in_browser", action: "stop" });
  await assert.rejects(client.ready, { code: "not_in_browser", action: "stop" });
  await assert.rejects(client.stepUp(), { code: "not_in_browser", action: "stop" });
  assert.equal(typeof client.subscribe(() => {}), "function");
  client.close();
});

test("without a backend the mistake is named", () => {
  set();
  assert.throws(() => createClient(), /backend/);
});

test("the module is told where the backend is and what the page says", async () => {
  const stage = set();
  open({ organization: "acme", app: "app_1", keepAlive: true });
  await settle();
  assert.deepEqual(stage.host.options, {
    backend: "https://app.example/auth", key, organization: "acme", account: undefined, arrival: undefined, app: "app_1", keepAlive: true, join: undefined,
  });
  assert.equal(globalThis.__tabard, undefined);
});

test("the module is told that the person does something, once a second, and nothing that a script does", async () => {
  const stage = set();
  const client = open();
  await settle();
  const input = (type, timeStamp, { isTrusted = true, ...more } = {}) => {
    const event = Object.defineProperties(new Event(type), { isTrusted: { value: isTrusted }, timeStamp: { value: timeStamp } });
    window.dispatchEvent(Object.assign(event, more));
  };
  const told = () => stage.calls.splice(0).filter(([name]) => name === "input").length;
  input("keydown", 10);
  input("pointerdown", 500);
  input("wheel", 1009);
  assert.equal(told(), 1);
  input("touchmove", 1010);
  assert.equal(told(), 1);
  input("keydown", 9000, { isTrusted: false });
  input("pointermove", 9000, { movementX: 0, movementY: 0 });
  input("scroll", 9000);
  assert.equal(told(), 0);
  input("pointermove", 9000, { movementX: 0, movementY: -1 });
  assert.equal(told(), 1);
  client.close();
  input("keydown", 99000);
  assert.equal(told(), 0);
});

test("what a sign-in and an opened tab leave in the address is read once and taken away", async () => {
  const stage = set({ href: "https://app.example/p?a=1&tabard_error=access_denied&tabard_organization=globex#x" });
  sessionStorage.setItem("tabard:return:", "1"); // the tab has left for a sign-in
  open();
  await settle();
  assert.equal(stage.host.options.arrival, "access_denied");
  assert.equal(stage.host.options.organization, "globex");
  assert.deepEqual(stage.replaced.slice(0, 2), [{ scroll: 7 }, ""]);
  assert.doesNotMatch(String(stage.replaced[2]), /tabard_error/);
});

test("a page that names its organization goes before what opened the tab, which is taken away all the same", async () => {
  const stage = set({ href: "https://app.example/acme/p?tabard_organization=globex" });
  open({ organization: "acme" });
  await settle();
  assert.equal(stage.host.options.organization, "acme");
  assert.equal(String(stage.replaced[2]), "https://app.example/acme/p");
});

test("the state is frozen, and the same object until something changes", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  const before = client.state;
  assert.ok(Object.isFrozen(before) && Object.isFrozen(before.organization) && Object.isFrozen(before.roles));
  publish(stage, {});
  assert.equal(client.state, before);
  publish(stage, { roles: ["admin"] });
  assert.notEqual(client.state, before);
});

test("ready settles when the status has left starting", async () => {
  const stage = set();
  const client = open();
  let ready = false;
  client.ready.then(() => (ready = true));
  await settle();
  assert.equal(ready, false);
  publish(stage, { status: "signed_out", user: null, organization: null });
  await settle();
  assert.equal(ready, true);
});

test("listeners hear of a change after it happened, and one that throws stops no other", async () => {
  const stage = set();
  const client = open();
  await settle();
  const heard = [];
  client.subscribe(() => {
    throw new Error("mine");
  });
  const stop = client.subscribe((state) => {
    assert.equal(state, client.state);
    heard.push(state.status);
  });
  publish(stage, {});
  assert.deepEqual(heard, []);
  await settle();
  assert.deepEqual(heard, ["active"]);
  assert.equal(stage.errors[0].message, "mine");
  stop();
  publish(stage, { fence: 2 });
  await settle();
  assert.deepEqual(heard, ["active"]);
});

test("a refusal is a TabardError that says what to do", async () => {
  const stage = set();
  stage.module.token = () => {
    throw { code: "login_required", action: "sign_in", description: "who are you" };
  };
  await assert.rejects(open().getToken(), (error) => {
    assert.ok(error instanceof TabardError);
    assert.deepEqual([error.code, error.action], ["login_required", "sign_in"]);
    return true;
  });
});

test("an error says why the organization session ended, where one did", async () => {
  const stage = set();
  const client = open();
  const refusal = { code: "organization_session_expired", action: "step_up", description: "" };
  for (const reason of ["idle", "signed_out", undefined]) {
    stage.module.token = () => {
      throw { ...refusal, reason };
    };
    await assert.rejects(client.getToken(), { code: refusal.code, reason });
  }
});

test("a switch tells how it ended, and a step-up can be continued", async () => {
  const stage = set();
  const client = open();
  stage.module.switch = () => JSON.stringify({ status: "switched", organization: globex });
  assert.deepEqual(await client.switchOrganization("globex"), { status: "switched", organization: globex });

  stage.module.switch = () =>
    JSON.stringify({ status: "step_up_required", code: "c", action: "step_up", description: "d", loginUrl: "/auth/login?x" });
  const result = await client.switchOrganization("globex");
  assert.equal(result.status, "step_up_required");
  await result.continue({ returnTo: "/back" });
  assert.deepEqual(stage.calls.at(-1), ["stepUp", "globex", "/auth/login?x", "https://app.example/back"]);

  await assert.rejects(client.switchOrganization(""), TypeError);
});

test("signing in comes back to this page unless told otherwise", async () => {
  const stage = set();
  const client = open();
  await settle();
  await client.signIn();
  assert.deepEqual(stage.calls.at(-1), ["signIn", "", "https://app.example/page"]);
  await client.signIn({ organization: "acme", returnTo: "notes" });
  assert.deepEqual(stage.calls.at(-1), ["signIn", "acme", "https://app.example/notes"]);
});

test("the person's answers go to the module", async () => {
  const stage = set();
  const client = open();
  const page = "https://app.example/page";
  await settle();
  await client.signIn({ email: "nina@acme.example" });
  assert.deepEqual(stage.calls.at(-1), ["signIn", "", page, "", "", "nina@acme.example", "", ""]);
  await client.signIn({ staySignedIn: true });
  assert.deepEqual(stage.calls.at(-1), ["signIn", "", page, "", "", "", "false", ""]);
  await client.signIn({ staySignedIn: false, organization: "acme" });
  assert.deepEqual(stage.calls.at(-1), ["signIn", "acme", page, "", "", "", "true", ""]);
  await client.signIn({ account: "another" });
  assert.deepEqual(stage.calls.at(-1), ["signIn", "", page, "", "", "", "", "another"]);
});

test("signing out ends the session by default and offers the provider's own end", async () => {
  const stage = set();
  const client = open();
  assert.deepEqual(await client.signOut(), {});
  assert.deepEqual(stage.calls.at(-1), ["signOut", "session"]);
  stage.module.signOut = () => "https://id.example/end";
  assert.deepEqual(await client.signOut({ scope: "everywhere" }), { endSessionUrl: "https://id.example/end" });
  await client.signOut({ returnTo: "bye" });
  assert.deepEqual(stage.calls.at(-1), ["signOut", "session", "https://app.example/bye"]);
  document.querySelector = () => /** @type {any} */ ({});
  await client.signOut();
  assert.deepEqual(stage.calls.at(-1), ["signOut", "session", document.baseURI]);
});

test("a sign-in in a frame is an error of its own", async (t) => {
  const stage = set();
  window.parent = new EventTarget();
  t.after(() => delete window.parent);
  stage.module.switch = () => '{"status":"step_up_required","code":"x","action":"step_up","description":"","loginUrl":"https://app.example/auth/login"}';
  const client = open();
  await settle();
  const refusal = { name: "TabardError", code: "in_frame", action: "stop" };
  await assert.rejects(client.signIn(), refusal);
  await assert.rejects((await client.switchOrganization("globex")).continue(), refusal);
  assert.equal(stage.calls.some(([name]) => name === "signIn" || name === "stepUp"), false);
});

test("what takes a recent authentication can be continued", async () => {
  const stage = set();
  const client = open();
  const loginUrl = "https://app.example/auth/login?user=usr_ada&max_age=900";
  const refuse = () => {
    throw { code: "insufficient_user_authentication", action: "step_up", description: "Confirm.", loginUrl };
  };
  Object.assign(stage.module, { endSession: refuse, signOut: refuse });
  for (const call of [() => client.endSession("ses_1"), () => client.signOut({ scope: "everywhere" })]) {
    const error = await call().then(assert.fail, (error) => error);
    assert.equal(error.action, "step_up");
    assert.equal(JSON.stringify(error).includes("login"), false);
    await error.continue({ returnTo: "/devices" });
    assert.deepEqual(stage.calls.at(-1), ["stepUp", "", loginUrl, "https://app.example/devices"]);
  }
  stage.module.endSession = () => {
    throw { code: "not_found", action: "stop", description: "" };
  };
  await assert.rejects(client.endSession("ses_1"), { code: "not_found", continue: undefined });
});

test("a new tab is told its organization and not given this one's window", () => {
  const stage = set();
  open().openTab("globex", "/notes?a=1");
  assert.deepEqual(stage.opened, [["https://app.example/notes?a=1&tabard_organization=globex", "_blank", "noopener"]]);
});

test("the partition changes with the organization and aborts with it", async () => {
  const stage = set();
  const client = open();
  await settle();
  assert.equal(client.partition.key, "");
  publish(stage, {});
  const first = client.partition;
  assert.equal(first.key, "usr_ada/org_a");
  publish(stage, { roles: ["admin"] });
  publish(stage, { status: "unavailable" });
  assert.equal(client.partition, first);
  publish(stage, { organization: globex, fence: 2 });
  assert.ok(first.signal.aborted);
  assert.equal(client.partition.key, "usr_ada/org_g");
  const second = client.partition;
  publish(stage, { status: "ended", organization: globex, fence: 3 });
  assert.ok(second.signal.aborted);
  assert.equal(client.partition.key, "");
});

test("a second organization has a scope of its own, which ends when it refuses", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  stage.module.token = (organization) => organization + " token";
  const scope = client.inOrganization("globex");
  assert.equal(await scope.getToken(), "globex token");
  assert.equal(client.inOrganization("globex").signal, scope.signal);
  publish(stage, { organization: globex, fence: 2 });
  assert.equal(scope.signal.aborted, false);
  stage.module.token = () => {
    throw { code: "temporarily_unavailable", action: "retry" };
  };
  await assert.rejects(scope.getToken());
  assert.equal(scope.signal.aborted, false);
  stage.module.token = () => {
    throw { code: "organization_access_denied", action: "stop" };
  };
  await assert.rejects(scope.getToken());
  assert.ok(scope.signal.aborted);
});

test("scopes of second organizations end with the person", async () => {
  for (const end of [
    { status: "signed_out", user: null, organization: null, fence: 2 },
    { status: "ended", error: { code: "identity_changed", action: "stop" }, fence: 2 },
    { user: { ...ada, id: "usr_bob" }, fence: 2 },
  ]) {
    const stage = set();
    const client = open();
    await settle();
    publish(stage, {});
    const { signal } = client.inOrganization("globex");
    publish(stage, end);
    assert.ok(signal.aborted, JSON.stringify(end));
  }
});

test("what happens to the page is told to the module", async () => {
  const stage = set();
  open();
  await settle();
  const told = () => stage.calls.splice(0);
  window.dispatchEvent(new Event("focus"));
  window.dispatchEvent(new Event("online"));
  document.dispatchEvent(new Event("visibilitychange"));
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(told(), [["look"], ["look", "online"], ["look"], ["hide"]]);
  stage.channel.onmessage({ data: "look again" });
  assert.deepEqual(told(), [["hear", "look again"]]);
  const left = stage.channel;
  window.dispatchEvent(new Event("pagehide"));
  assert.ok(left.closed);
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  assert.equal(stage.channel, left);
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  assert.notEqual(stage.channel, left);
  assert.deepEqual(told(), [["freeze"], ["thaw"]]);
  stage.host.send("look again");
  assert.equal(stage.sent, "look again");
});

test("a closed client is over: signals abort, nothing is heard, calls are refused", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  const { signal } = client.partition;
  stage.module.token = () => new Promise(() => {});
  const pending = client.getToken();
  await settle();
  client.close();
  assert.ok(signal.aborted);
  assert.equal(client.state.status, "active");
  await assert.rejects(pending, { action: "retry" });
  await assert.rejects(client.getToken(), { action: "retry" });
  stage.calls.length = 0;
  window.dispatchEvent(new Event("focus"));
  assert.deepEqual(stage.calls, []);
  await settle();
  assert.equal(stage.starts, 1);
});

// @ts-nocheck
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { acme, ada, globex, key, publish, remember, set, settle, state } from "./stage.js";

const { createClient, TabardError } = await import("../index.js");

let clients = [];
/** A client whose module is loaded anew: clients at one address share it. */
const open = (options) => {
  const module = `https://app.example/module.json?${Math.random()}`;
  const client = createClient({ backend: "/auth", module, ...options });
  clients.push(client);
  return client;
};

afterEach(() => {
  clients.forEach((client) => client.close());
  clients = [];
  mock.restoreAll();
  mock.timers.reset();
  delete globalThis.document;
});

test("on a server the client is made, stays starting and says that there is no tab", async () => {
  const client = createClient({ backend: "/auth" });
  assert.equal(client.state.status, "starting");
  assert.equal(client.state, client.state);
  await assert.rejects(client.getToken(), { name: "TabardError", code: "not_in_browser", action: "stop" });
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
    backend: "https://app.example/auth", key, organization: "acme", arrival: undefined, app: "app_1", keepAlive: true,
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
  open();
  await settle();
  assert.equal(stage.host.options.arrival, "access_denied");
  assert.equal(stage.host.options.organization, "globex");
  assert.deepEqual(stage.replaced.slice(0, 2), [{ scroll: 7 }, ""]);
  assert.doesNotMatch(String(stage.replaced[2]), /tabard_error/);
});

test("a page that names its organisation goes before what opened the tab, which is taken away all the same", async () => {
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
  await client.signIn();
  assert.deepEqual(stage.calls.at(-1), ["signIn", "", "https://app.example/page"]);
  await client.signIn({ organization: "acme", returnTo: "notes" });
  assert.deepEqual(stage.calls.at(-1), ["signIn", "acme", "https://app.example/notes"]);
});

test("signing out ends the session by default and offers the provider's own end", async () => {
  const stage = set();
  const client = open();
  assert.deepEqual(await client.signOut(), {});
  assert.deepEqual(stage.calls.at(-1), ["signOut", "session"]);
  stage.module.signOut = () => "https://id.example/end";
  assert.deepEqual(await client.signOut({ scope: "everywhere" }), { endSessionUrl: "https://id.example/end" });
});

test("a new tab is told its organisation and not given this one's window", () => {
  const stage = set();
  open().openTab("globex", "/notes?a=1");
  assert.deepEqual(stage.opened, [["https://app.example/notes?a=1&tabard_organization=globex", "_blank", "noopener"]]);
});

test("the partition changes with the organisation and aborts with it", async () => {
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

test("a second organisation has a scope of its own, which ends when it refuses", async () => {
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

test("scopes of second organisations end with the person", async () => {
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
  document.visibilityState = "hidden";
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

test("a module that dies is started again, where the record stands", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set({ href: "https://app.example/?tabard_error=x" });
  const client = open({ organization: "acme" });
  await settle();
  publish(stage, {});
  const before = client.state;
  let released = false;
  stage.host.hold(() => (released = true));
  stage.module.token = () => new Promise(() => {});
  const pending = client.getToken();
  await settle();
  stage.exit();
  await assert.rejects(pending, { code: "temporarily_unavailable", action: "retry" });
  assert.ok(released, "the lock of the dead is released");
  assert.equal(client.state, before);

  mock.timers.tick(1000);
  await settle();
  assert.equal(stage.starts, 2);
  assert.equal(stage.host.options.organization, "");
  assert.equal(stage.host.options.arrival, "");
  stage.module.token = () => "anew";
  assert.equal(await client.getToken(), "anew");
});

test("a module that traps is started again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  open();
  await settle();
  let released = false;
  stage.host.hold(() => (released = true));
  stage.traps = true;
  stage.go._resume();
  await settle();
  assert.ok(released);
  stage.traps = false;
  mock.timers.tick(1000);
  await settle();
  assert.equal(stage.starts, 2);
});

test("P10 a module that was on its way when the page was put away is started when it is back", async () => {
  const stage = set();
  const arrives = WebAssembly.compileStreaming;
  let late;
  WebAssembly.compileStreaming = () => new Promise((resolve) => (late = resolve));
  const client = open();
  const token = client.getToken();
  await settle();
  window.dispatchEvent(new Event("pagehide"));
  WebAssembly.compileStreaming = arrives;
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await settle();
  assert.equal(await token, "token");
  late({}); // which comes after all
  await settle();
  assert.equal(stage.starts, 1);
});

test("P1 a page that is prerendered starts no module and shows nothing until it is seen", async () => {
  const stage = set();
  document.prerendering = true;
  remember();
  const client = open();
  const token = client.getToken();
  await settle();
  assert.equal(stage.starts, 0);
  assert.equal(client.state.status, "starting");
  remember({ record: { state: state({ fence: 9 }) } }); // the tab went on meanwhile
  document.prerendering = false;
  document.dispatchEvent(new Event("prerenderingchange"));
  assert.equal(client.state.fence, 9);
  await settle();
  assert.equal(stage.starts, 1);
  assert.equal(await token, "token");
});

test("a module that cannot be loaded is tried again, and the page is told meanwhile", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.loads = false;
  const client = open({ organization: "acme" });
  await settle();
  assert.equal(client.state.status, "unavailable");
  assert.deepEqual([client.state.error.code, client.state.error.action], ["temporarily_unavailable", "retry"]);
  stage.loads = true;
  mock.timers.tick(1000);
  await settle();
  assert.equal(stage.starts, 1);
  assert.equal(stage.host.options.organization, "acme");
  publish(stage, {});
  assert.equal(client.state.status, "active");
});

test("a switch whose module cannot be loaded, or dies, is unavailable, and throws nothing", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.loads = false;
  const client = open();
  const unloaded = await client.switchOrganization("globex");
  assert.deepEqual([unloaded.status, unloaded.code, unloaded.action], ["unavailable", "temporarily_unavailable", "retry"]);

  stage.loads = true;
  mock.timers.tick(1000);
  await settle();
  stage.module.switch = () => new Promise(() => {});
  const dying = client.switchOrganization("globex");
  await settle();
  stage.exit();
  assert.equal((await dying).status, "unavailable");
});

test("a reloaded tab shows its state and hands out its token before the module runs, or if it never does", async () => {
  const stage = set();
  stage.loads = false;
  remember();
  const client = open();
  assert.deepEqual(client.state, state());
  assert.equal(client.partition.key, "usr_ada/org_a");
  assert.equal(await client.getToken(), "early");
  await client.ready;
  await settle();
  assert.equal(client.state.status, "active");
  assert.equal(await client.getToken(), "early");
  assert.deepEqual(stage.requests, []);
});

test("the module that takes over leaves what it agrees with as it is", async () => {
  const stage = set();
  remember();
  const client = open();
  const { state: before, partition } = client;
  await settle();
  publish(stage, {});
  assert.equal(client.state, before);
  assert.equal(client.partition, partition);
  assert.equal(await client.getToken(), "token");
});

const noEarlyToken = {
  "somebody signed in or out since": { epoch: "ses_2.y" },
  "the browser's epoch is gone": { epoch: null },
  "the record has no epoch": { record: { epoch: "" }, epoch: "" },
  "it has expired": { held: { until: Date.now() - 1 } },
  "it is from the future": { held: { minted: Date.now() + 60_000, until: Date.now() + 355_000 } },
  "the tab wore no organisation": { record: { organization: "", state: undefined } },
  "it is another organisation's": { held: { answer: { access_token: "early", organization: globex } } },
};
for (const [name, tab] of Object.entries(noEarlyToken)) {
  test(`no early token: ${name}`, async () => {
    set();
    remember(tab);
    const client = open();
    assert.equal(client.state.status, "starting");
    assert.equal(await client.getToken(), "token");
  });
}

test("no early token: the page names another organisation", async () => {
  for (const [organization, want] of [["globex", "token"], ["acme", "early"], [acme.id, "early"]]) {
    const stage = set();
    remember();
    stage.loads = want === "token";
    assert.equal(await open({ organization }).getToken(), want);
  }
});

test("no early token: storage is blocked, or holds something else", async () => {
  set();
  Object.defineProperty(globalThis, "sessionStorage", {
    configurable: true,
    get() {
      throw new DOMException("blocked", "SecurityError");
    },
  });
  assert.equal(await open().getToken(), "token");
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, writable: true, value: undefined });
  for (const text of ["", "{", "null", "7", "[]", '{"held":7}']) {
    set();
    remember();
    sessionStorage.items.set(key, text);
    assert.equal(await open().getToken(), "token");
  }
});

test("P10 another tab's sign-in or sign-out is heard when its epoch arrives, not only when its message does", async () => {
  const stage = set();
  open();
  await settle();
  for (const changed of ["something else", key + ":epoch"]) {
    window.dispatchEvent(Object.assign(new Event("storage"), { key: changed }));
  }
  assert.deepEqual(stage.calls.filter(([name]) => name === "hear"), [["hear", "look again"]]);
});

// @ts-nocheck
// Why the module or the backend cannot be used: final where waiting does not mend it.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { open } from "./open.js";
import { publish, set, settle } from "./stage.js";

globalThis.navigator ??= {};

/** The client's lines on the console. */
const lines = () => console.error.mock.calls.map(({ arguments: [line] }) => String(line)).filter((line) => line.startsWith("tabard: "));

/** Lets a client look for the fault until it counts as final. */
async function wait() {
  for (const ms of [0, 1000, 2000]) {
    mock.timers.tick(ms);
    await settle();
  }
}

/** Lets a client look until it knows, however long its reads take on this machine. */
async function known(client) {
  for (let i = 0; i < 50 && client.state.error?.action !== "stop"; i++) {
    await settle();
    mock.timers.tick(1000);
  }
}

const html = () => new Response("<html>", { status: 404, headers: { "Content-Type": "text/html" } });

test("what waiting does not mend is final: said once, thrown, and asked for no more until the page is looked at", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  const { mock: fetched } = mock.method(globalThis, "fetch", async () => html());
  const client = open({ module: "https://app.example/wrong/module.json" });
  await assert.rejects(client.getToken(), { action: "retry" });
  await wait();
  assert.deepEqual([client.state.status, client.state.error.code, client.state.error.action], ["unavailable", "backend_not_found", "stop"]);
  await assert.rejects(client.getToken(), { code: "backend_not_found", action: "stop" });
  assert.deepEqual(lines().length, 1);
  assert.match(lines()[0], /backend_not_found: https:\/\/app.example\/wrong\/module.json answered 404 \(text\/html\): check the client's backend/);
  await wait(); // the requests that were under way
  const asked = fetched.callCount();
  mock.timers.tick(3_600_000);
  await settle();
  assert.equal(fetched.callCount(), asked);

  fetched.restore();
  window.dispatchEvent(new Event("focus"));
  await settle();
  publish(stage, {});
  assert.deepEqual([stage.starts, client.state.status], [1, "active"]);
  assert.equal(await client.getToken(), "token");
});

test("P6 what passes within a moment is not final", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  const { mock: fetched } = mock.method(globalThis, "fetch", async () => html());
  const client = open();
  await settle();
  fetched.restore();
  await wait();
  assert.equal(stage.starts, 1);
  assert.notEqual(client.state.error?.action, "stop");
  assert.deepEqual(lines().filter((line) => line.includes("backend_not_found")), []);
});

test("P6 a network that does not answer, and a server that fails, are waited for", async () => {
  for (const answer of [() => Promise.reject(new TypeError("Failed to fetch")), async () => new Response("", { status: 503 })]) {
    mock.timers.enable({ apis: ["setTimeout"] });
    set();
    const { mock: fetched } = mock.method(globalThis, "fetch", answer);
    const client = open();
    await settle();
    const asked = fetched.callCount();
    await wait();
    assert.deepEqual([client.state.error.code, client.state.error.action], ["temporarily_unavailable", "retry"]);
    assert.ok(fetched.callCount() > asked, "it is asked for again");
    mock.timers.reset();
    mock.restoreAll();
  }
});

test("a module that arrives damaged in the same way each time is final", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.arrives = "<html>";
  const client = open();
  await known(client);
  assert.deepEqual([client.state.error.code, client.state.error.action], ["module_damaged", "stop"]);
  assert.match(lines()[0], /data:text\/javascript, answered 200 \(.*\) and 6 bytes/);
});

test("P6 a module that is cut off elsewhere each time is waited for", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  let bytes = 0;
  stage.arrives = () => "x".repeat(++bytes);
  const client = open();
  await known(client);
  assert.deepEqual([client.state.error.code, client.state.error.action], ["temporarily_unavailable", "retry"]);
});

test("P6 a policy that reports, or blocks another address, is no cause", async () => {
  for (const [disposition, blockedURI, code] of [["enforce", "https://app.example", "connection_blocked"], ["report", "https://app.example", "temporarily_unavailable"], ["enforce", "https://ads.example", "temporarily_unavailable"]]) {
    mock.timers.enable({ apis: ["setTimeout"] });
    set();
    mock.method(globalThis, "fetch", async () => {
      document.dispatchEvent(Object.assign(new Event("securitypolicyviolation"), { disposition, blockedURI, effectiveDirective: "connect-src" }));
      throw new TypeError("Failed to fetch");
    });
    const client = open();
    await known(client);
    assert.equal(client.state.error.code, code);
    mock.timers.reset();
    mock.restoreAll();
  }
});

test("a module that runs and gets no answer of the backend's is told why", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  const client = open();
  await settle();
  stage.answer = () => new Response("<html>", { headers: { "Content-Type": "text/html" } });
  publish(stage, { status: "unavailable", organization: null, user: null, error: { code: "temporarily_unavailable", action: "retry", description: "" } });
  await settle();
  await wait();
  const [, code, description] = stage.calls.find(([name]) => name === "halt");
  assert.equal(code, "not_the_backend");
  assert.match(description, /^https:\/\/app.example\/auth\/session\?quiet=1 answered 200 \(text\/html\)/);
  assert.equal(client.state.status, "unavailable");
});

test("P6 a module that has had an answer is left to wait", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  open();
  await settle();
  publish(stage, {});
  await settle();
  stage.answer = html;
  publish(stage, { status: "unavailable", error: { code: "temporarily_unavailable", action: "retry", description: "" } });
  await settle();
  await wait();
  assert.deepEqual(stage.calls.filter(([name]) => name === "halt"), []);
});

test("a browser that blocks cookies, or is not secure, starts no module", async () => {
  for (const [target, name, value, code] of [[navigator, "cookieEnabled", false, "cookies_blocked"], [globalThis, "isSecureContext", false, "insecure_context"]]) {
    const stage = set();
    Object.defineProperty(target, name, { configurable: true, value });
    const client = open();
    await settle();
    assert.deepEqual([client.state.status, client.state.error?.code, client.state.error?.action, stage.starts], ["unavailable", code, "stop", 0]);
    delete target[name];
  }
});

test("the rest is told on request", async () => {
  const { mock: told } = mock.method(console, "debug", () => {});
  const stage = set();
  open({ debug: true });
  await settle();
  publish(stage, {});
  await settle();
  assert.deepEqual(told.calls.map(({ arguments: [, status] }) => status), ["starting", "active"]);
});

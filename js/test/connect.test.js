// @ts-nocheck
// WebSockets that act for the tab's organization.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { TabardError } from "../index.js";
import { open } from "./open.js";
import { globex, publish, set, settle } from "./stage.js";

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = (claims) => `e30.${base64url({ org_id: "org_a", iat: 1000, exp: 1300, ...claims })}.c2ln`;

/** A page whose API answers on WebSockets. */
async function connecting(options) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.sockets = [];
  stage.token = token();
  stage.module.token = () => stage.token;
  stage.module.proof = (_, method, url) => `proof of ${method} ${url}`;
  globalThis.WebSocket = class extends EventTarget {
    readyState = 0;
    sent = [];
    constructor(url, protocols) {
      super();
      Object.assign(this, { url, protocols });
      stage.sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close(code, reason) {
      this.closing = [code, reason];
      this.readyState = 2;
    }
    happens(type, more = {}) {
      this.readyState = { open: 1, close: 3 }[type] ?? this.readyState;
      const event = Object.assign(new Event(type), more);
      this[`on${type}`]?.(event);
      this.dispatchEvent(event);
    }
  };
  const client = open(options);
  await settle();
  publish(stage, {});
  return { stage, client };
}

const accepted = (organization = "org_a") => ({ data: JSON.stringify({ tabard: { organization, expires_in: 300 } }) });
const errorOf = (promise) => promise.then(() => assert.fail("it was opened"), (error) => error);

/** Opens one that the API accepts. */
async function opened({ stage, client }, url = "/live?room=1#x") {
  const promise = client.connect(url);
  await settle();
  const socket = stage.sockets.at(-1);
  socket.happens("open");
  await settle();
  socket.happens("message", accepted());
  assert.equal(await promise, socket);
  return socket;
}

test.afterEach(() => mock.timers.reset());

test("the token is in the first message, and in no address", async () => {
  const page = await connecting();
  const socket = await opened(page);
  assert.deepEqual([socket.url, socket.protocols], ["wss://app.example/live?room=1", "tabard"]);
  assert.deepEqual(socket.sent, [{ tabard: { token: token() } }]);
  socket.happens("message", { data: "the page's" });
  assert.equal(socket.closing, undefined);
});

test("a bound token goes with a proof of the https address", async () => {
  const page = await connecting({ apis: ["https://api.example"] });
  page.stage.token = `DPoP ${token()}`;
  const socket = await opened(page, "wss://api.example/live?room=1");
  assert.deepEqual(socket.sent, [{ tabard: { token: token(), proof: "proof of GET https://api.example/live" } }]);
});

test("an origin that is none of the apis gets nothing", async () => {
  const { stage, client } = await connecting();
  assert.match((await errorOf(client.connect("wss://evil.example/live"))).message, /none of the client's apis/);
  assert.equal(stage.sockets.length, 0);
});

test("an API that answers for another organization, or none, is not listened to", async () => {
  for (const answer of [accepted("org_g"), { data: "hello" }, { data: new Uint8Array(1) }]) {
    const { stage, client } = await connecting(), promise = errorOf(client.connect("/live"));
    await settle();
    stage.sockets[0].happens("open");
    stage.sockets[0].happens("message", answer);
    assert.equal((await promise).code, "organization_mismatch");
    assert.ok(stage.sockets[0].closing);
    mock.timers.reset();
  }
});

test("a refused token is renewed once", async () => {
  const { stage, client } = await connecting(), promise = client.connect("/live");
  await settle();
  stage.token = token({ iat: 1001 });
  stage.sockets[0].happens("close", { code: 4401, reason: "invalid_token session_ended" });
  await settle();
  assert.deepEqual(stage.calls.filter(([name]) => name === "token").at(-1), ["token", "", token()]);
  stage.sockets[1].happens("close", { code: 4401, reason: "invalid_token session_ended" });
  const error = await errorOf(promise);
  assert.deepEqual([error.code, error.action, stage.sockets.length], ["temporarily_unavailable", "retry", 2]);
});

test("what the API asks for is said by the error", async () => {
  for (const [code, reason, want] of [
    [4403, "organization_mismatch", "organization_mismatch stop"],
    [4401, 'insufficient_user_authentication acr_values="mfa"', "insufficient_user_authentication step_up"],
    [1006, "", "temporarily_unavailable retry"],
  ]) {
    const { stage, client } = await connecting(), promise = errorOf(client.connect("/live"));
    await settle();
    stage.sockets[0].happens("close", { code, reason });
    const error = await promise;
    assert.equal(`${error.code} ${error.action}`, want);
    assert.equal(/no WebSocket is there/.test(error.message), code === 1006);
    assert.equal(stage.sockets.length, 1);
    mock.timers.reset();
  }
});

test("an API that does not answer is given up", async () => {
  const { client } = await connecting(), promise = errorOf(client.connect("/live"));
  await settle();
  mock.timers.tick(10_000);
  assert.equal((await promise).code, "temporarily_unavailable");
});

test("the token is renewed by a message, before its end", async () => {
  const page = await connecting(), socket = await opened(page), { stage } = page;
  mock.timers.tick(200_000);
  await settle();
  assert.equal(socket.sent.length, 1);
  stage.token = token({ iat: 1200, exp: 1500 });
  mock.timers.tick(11_000);
  await settle();
  assert.deepEqual(stage.calls.filter(([name]) => name === "token").at(-1), ["token", "", token(), "keep"]);
  assert.deepEqual(socket.sent.at(-1), { tabard: { token: stage.token } });
  assert.equal(socket.closing, undefined);
});

test("it is closed when the tab leaves the organization, and when the client is closed", async () => {
  for (const leave of [({ stage }) => publish(stage, { organization: globex }), ({ stage }) => publish(stage, { status: "signed_out", organization: null, user: null }), ({ client }) => client.close()]) {
    const page = await connecting(), socket = await opened(page);
    leave(page);
    assert.deepEqual(socket.closing, [4000, "organization_left"]);
    mock.timers.reset();
  }
});

test("one that is still being opened ends with the organization too", async () => {
  const { stage, client } = await connecting(), promise = errorOf(client.connect("/live"));
  await settle();
  publish(stage, { organization: globex });
  assert.equal((await promise).code, "organization_left");
  assert.ok(stage.sockets[0].closing);
});

test("when the API ends the session, the module learns of it", async () => {
  const page = await connecting(), socket = await opened(page);
  socket.happens("close", { code: 4401, reason: "invalid_token session_ended" });
  await settle();
  assert.deepEqual(page.stage.calls.filter(([name]) => name === "token").at(-1), ["token", "", token()]);
});

test("a second organization's has that organization's token, and ends with it alone", async () => {
  const page = await connecting(), { stage, client } = page;
  stage.module.token = (organization) => token(organization && { org_id: "org_g" });
  const scope = client.inOrganization("globex"), own = await opened(page), promise = scope.connect("/live");
  await settle();
  const second = stage.sockets.at(-1);
  second.happens("open");
  await settle();
  assert.deepEqual(second.sent, [{ tabard: { token: token({ org_id: "org_g" }) } }]);
  second.happens("message", accepted("org_g"));
  assert.equal(await promise, second);
  publish(stage, { organization: globex });
  assert.deepEqual([own.closing, second.closing], [[4000, "organization_left"], undefined]);
  publish(stage, { status: "signed_out", organization: null, user: null });
  assert.deepEqual(second.closing, [4000, "organization_left"]);
});

test("a second organization's ends when the organization refuses", async () => {
  const { stage, client } = await connecting();
  stage.module.token = (organization) => {
    if (organization) throw Object.assign(new TabardError("organization_access_denied", "stop", "no"));
    return token();
  };
  const scope = client.inOrganization("globex"), error = await errorOf(scope.connect("/live"));
  assert.deepEqual([error.code, scope.signal.aborted, stage.sockets.length], ["organization_access_denied", true, 0]);
});

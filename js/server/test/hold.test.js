// @ts-nocheck
// WebSockets of Node's ws, held by their tokens.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, mock, test } from "node:test";

import express from "express";
import { WebSocket, WebSocketServer } from "ws";

import { protect as protectExpress } from "../express.js";
import { createHold } from "../hold.js";
import { createGuard, createVerifier } from "../index.js";
import { createTestIssuer } from "../testing.js";

const page = "https://app.example.com", baseURL = "https://api.example.com";
const issuer = await createTestIssuer();
const lines = [], listeners = new Set(), over = [], heard = [];
let ended = false;
const verifier = createVerifier({ ...issuer });
const guard = createGuard(verifier, { baseURL, ended: () => ended, record: (record) => void lines.push(JSON.stringify(record)) });
const follower = { subscribe: (listener) => (listeners.add(listener), () => listeners.delete(listener)) };
const hold = createHold(guard, { origins: [page], follower });

const rules = { "/live": [{}], "/acme/live": [{ organization: "organization", permissions: ["live"] }, { organization: "org_acme" }], "/recent": [{ maxAge: 60, acr: ["mfa"] }] };
const server = createServer(), sockets = new WebSocketServer({ noServer: true, maxPayload: 64 << 10 });
server.on("upgrade", async (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  lines.push(request.url, JSON.stringify(request.rawHeaders));
  const refused = hold.refuse(request);
  if (refused) {
    socket.end(`HTTP/1.1 ${refused.status} \r\nConnection: close\r\n\r\n`);
    return;
  }
  sockets.handleUpgrade(request, socket, head, async (ws) => {
    const [rule, params] = rules[request.url];
    const held = await hold.accept(ws, request, rule, params).catch(() => undefined);
    held?.addEventListener("message", ({ data }) => {
      heard.push(String(data));
      held.send(`${data} of ${held.admission.organization}`);
    });
    held?.addEventListener("close", () => over.push(held.signal.reason.reason));
  });
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
after(() => server.close());
const origin = `ws://127.0.0.1:${server.address().port}`;

const dial = (path, { from = page, protocols = ["tabard"] } = {}) => new WebSocket(origin + path, protocols, { origin: from });
const next = (ws) => new Promise((resolve) => {
  ws.once("message", (data) => resolve(String(data)));
  ws.once("close", (code, reason) => resolve(`${code} ${reason}`.trim()));
});
const credential = (token, proof = "") => JSON.stringify({ tabard: { token, proof } });
const open = async (path, message) => {
  const ws = dial(path);
  after(() => ws.terminate());
  await new Promise((opened) => ws.once("open", opened));
  ws.send(message);
  return [ws, await next(ws)];
};
/** A token that lives for some seconds. */
const token = (organization, seconds, { claims, ...rest } = {}) =>
  issuer.token(organization, { ...rest, claims: { exp: Math.floor(Date.now() / 1000) + seconds, ...claims } });

test("the first message is judged as a request is", async () => {
  const device = await issuer.device(), bound = await issuer.token("org_acme", { boundTo: device });
  const proof = await device.proof(bound, "GET", `${baseURL}/live`), permissions = ["live"];
  for (const [name, path, message, want] of [
    ["a token", "/live", credential(await token("org_acme", 300)), "accepted"],
    ["its organization's path", "/acme/live", credential(await token("org_acme", 300, { permissions })), "accepted"],
    ["a bound one, with a proof", "/live", credential(bound, proof), "accepted"],
    ["the proof again", "/live", credential(bound, proof), "4401 invalid_dpop_proof invalid_proof"],
    ["a bound one without", "/live", credential(bound), "4401 invalid_token proof_required"],
    ["a proof for a token without", "/live", credential(await token("org_acme", 300), proof), "4401 invalid_dpop_proof invalid_proof"],
    ["an expired one", "/live", credential(await issuer.expired("org_acme")), "4401 invalid_token expired"],
    ["expired, within the leeway", "/live", credential(await token("org_acme", -5)), "4401 invalid_token expired"],
    ["a foreign one", "/live", credential(await issuer.foreign("org_acme")), "4401 invalid_token bad_signature"],
    ["another organization's path", "/acme/live", credential(await token("org_globex", 300, { permissions })), "4403 organization_mismatch"],
    ["without the permission", "/acme/live", credential(await token("org_acme", 300)), "4403 insufficient_scope"],
    ["without the authentication", "/recent", credential(await token("org_acme", 300)), '4401 insufficient_user_authentication acr_values="mfa", max_age="60"'],
    ["none", "/live", credential(""), "4401 no_token"],
    ["one that is far too long", "/live", credential("x".repeat(20 << 10)), "4401 no_token"],
    ["what is no token", "/live", credential("x"), "4401 invalid_token malformed"],
    ["another message", "/live", "hello", "4401 no_token"],
    ["a blank before", "/live", ` ${credential(await token("org_acme", 300))}`, "4401 no_token"],
    ["a blank within", "/live", credential(await token("org_acme", 300)).replace("{", "{ "), "4401 no_token"],
    ["behind another member", "/live", credential(await token("org_acme", 300)).replace("{", '{"x":1,'), "4401 no_token"],
    ["a repeated member", "/live", '{"tabard":{"token":"x","token":"y"}}', "4401 no_token"],
    ["not JSON", "/live", '{"tabard":', "4401 no_token"],
    ["bytes", "/live", Buffer.from(credential(await token("org_acme", 300))), "4401 no_token"],
  ]) {
    const [, answer] = await open(path, message);
    if (want !== "accepted") assert.equal(answer, want, name);
    else {
      const { organization, expires_in } = JSON.parse(answer).tabard;
      assert.deepEqual([organization, expires_in >= 290 && expires_in <= 300], ["org_acme", true], name);
    }
  }
  const log = lines.join("\n");
  assert.ok(!log.includes("eyJ") && log.includes('"alarm"'));
});

test("a foreign page opens none, nor does one without the subprotocol", async () => {
  for (const [from, protocols, want] of [
    [page, ["tabard"], "open"], [page, ["chat", "tabard"], "open"], ["https://evil.example", ["tabard"], "403"],
    [`${page}.evil.example`, ["tabard"], "403"], ["http://app.example.com", ["tabard"], "403"], ["null", ["tabard"], "403"],
    [undefined, ["tabard"], "403"], [page, [], "400"], [page, ["chat"], "400"],
  ]) {
    const ws = from ? dial("/live", { from, protocols }) : new WebSocket(`${origin}/live`, protocols);
    const got = await new Promise((resolve) => {
      ws.once("open", () => resolve("open"));
      ws.once("unexpected-response", (_, answer) => resolve(String(answer.statusCode)));
    });
    ws.on("error", () => {}).terminate();
    assert.equal(got, want, `${from} ${protocols}`);
  }
  for (const wrong of ["*", "app.example.com", `${page}/`]) assert.throws(() => createHold(guard, { origins: [wrong] }), /is not an origin/);
});

test("one that says nothing is closed after five seconds", async () => {
  const began = Date.now(), ws = dial("/live");
  assert.equal(await next(ws), "4401 no_token");
  assert.ok(Date.now() - began > 4500 && Date.now() - began < 6000);
});

test("it ends with its token, unless that is renewed", async () => {
  over.length = 0;
  const [ws] = await open("/live", credential(await token("org_acme", 2)));
  const last = Math.floor(Date.now() / 1000) + 5;
  ws.send(credential(await token("org_acme", 5, { claims: { exp: last } })));
  ws.send("hello");
  assert.equal(await next(ws), "hello of org_acme");
  assert.equal(await next(ws), "4401 invalid_token expired");
  assert.ok(Math.abs(Date.now() - 1000 * last) < 1000);
  assert.deepEqual(over, ["expired"]);
});

test("a renewal by another token closes it", async () => {
  const device = await issuer.device(), bound = await issuer.token("org_acme", { boundTo: device });
  for (const [message, want] of [
    [credential(await token("org_globex", 300)), "4403 renewal_mismatch"],
    [credential(await token("org_acme", 300, { claims: { sub: "usr_other" } })), "4403 renewal_mismatch"],
    [credential(await token("org_acme", 300, { claims: { sid: "ses_other" } })), "4403 renewal_mismatch"],
    [credential(await token("org_acme", 300, { claims: { client_id: "other" } })), "4403 renewal_mismatch"],
    [credential(await token("org_acme", 300, { claims: { aud: [issuer.audience, "other"] } })), "4403 renewal_mismatch"],
    [credential(bound, await device.proof(bound, "GET", `${baseURL}/live`)), "4403 renewal_mismatch"],
    [credential(await issuer.foreign("org_acme")), "4401 invalid_token bad_signature"],
  ]) {
    const [ws] = await open("/live", credential(await token("org_acme", 300)));
    heard.length = 0;
    ws.send("before");
    ws.send(message);
    ws.send("after");
    assert.equal(await next(ws), "before of org_acme");
    assert.equal(await next(ws), want);
    assert.deepEqual(heard, ["before"], want);
  }
});

/** A socket in memory, with what a page says on it. */
function pageSocket() {
  const closed = [], socket = Object.assign(new EventTarget(), { send: () => {}, close: (...how) => closed.push(how) });
  const say = (data) => socket.dispatchEvent(Object.assign(new Event("message"), { data }));
  return { closed, socket, say, request: new Request(`${baseURL}/live`, { headers: { Origin: page } }) };
}

test("what comes right behind the first message is handled, once the API listens", { timeout: 10_000 }, async () => {
  const { socket, say, request } = pageSocket(), got = [];
  const listening = hold.accept(socket, request).then(async (held) => {
    await null; // an API may take a moment
    held.addEventListener("message", ({ data }) => got.push(data));
    return held;
  });
  for (const data of [credential(await token("org_acme", 300)), "1", "2"]) say(data);
  const held = await listening;
  while (got.length < 2) await new Promise((later) => setTimeout(later));
  say("3");
  assert.deepEqual(got, ["1", "2", "3"]);
  held.close();
});

test("little waits for the first token", async () => {
  const { socket, say, request, closed } = pageSocket(), accepted = hold.accept(socket, request);
  for (const data of [credential(await token("org_acme", 300)), "x".repeat(60 << 10)]) say(data);
  assert.deepEqual(closed, []);
  say("x".repeat(5 << 10));
  await assert.rejects(accepted, /too much/);
  assert.deepEqual(closed, [[4503, "temporarily_unavailable"]]);
});

test("a token that is written otherwise is not handed on", async () => {
  for (const spell of [(text) => ` ${text}`, (text) => text.replace("{", "{ "), (text) => `\n${text.replace(":", " :")}`]) {
    const [ws] = await open("/live", credential(await token("org_acme", 300)));
    heard.length = 0;
    ws.send(spell(credential(await token("org_acme", 300))));
    assert.equal(await next(ws), "4401 no_token");
    assert.deepEqual(heard, []);
  }
});

test("a token of more than the longest timer's life is held", async () => {
  const [ws] = await open("/live", credential(await token("org_acme", 40 * 86400)));
  ws.send("hello");
  assert.equal(await next(ws), "hello of org_acme");
});

test("messages wait for a renewal, in their order", async () => {
  const admitting = createGuard(verifier, { baseURL }), admit = admitting.admit.bind(admitting), begun = [];
  let go;
  admitting.admit = async (...of) => {
    if (begun.push(of) > 1) await new Promise((now) => (go = now));
    return admit(...of);
  };
  const { closed, socket, say, request } = pageSocket();
  const accepted = createHold(admitting, { origins: [page] }).accept(socket, request);
  say(credential(await token("org_acme", 300)));
  const held = await accepted, got = [];
  held.addEventListener("message", ({ data }) => got.push(data));
  say("1");
  say(credential(await token("org_acme", 300)));
  say("2");
  say("3");
  await Promise.resolve();
  assert.deepEqual(got, ["1"]);
  go();
  while (got.length < 3) await new Promise(setImmediate);
  assert.deepEqual(got, ["1", "2", "3"]);
  say(credential(await token("org_acme", 300)));
  for (let i = 0; i < 5; i++) say("x".repeat(300 << 10));
  while (!closed.length) await new Promise(setImmediate);
  assert.deepEqual([closed, got.length], [[[4503, "temporarily_unavailable"]], 3], "no more than a MiB waits");
});

test("a lent token opens what demands a permission of it, and is renewed by its like alone", async () => {
  const permissions = ["live"], signed = (lent, ...permissions) => token("org_acme", 300, { permissions, claims: { lent } });
  for (const [name, path, first, renewal, want] of [
    ["where nothing is demanded", "/live", await signed(true, "live"), undefined, "4403 insufficient_scope"],
    ["without the permission", "/acme/live", await signed(true, "other"), undefined, "4403 insufficient_scope"],
    ["renewed by the same", "/acme/live", await signed(true, ...permissions), await signed(true, ...permissions), "hello of org_acme"],
    ["renewed by the tab's own", "/acme/live", await signed(true, ...permissions), await signed(false, ...permissions), "4403 renewal_mismatch"],
    ["renewed by a wider one", "/acme/live", await signed(true, ...permissions), await signed(true, ...permissions, "other"), "4403 renewal_mismatch"],
    ["the tab's own, renewed by one", "/acme/live", await signed(false, ...permissions), await signed(true, ...permissions), "4403 renewal_mismatch"],
  ]) {
    const [ws, answer] = await open(path, credential(first));
    if (!renewal) {
      assert.equal(answer, want, name);
      continue;
    }
    ws.send(credential(renewal));
    if (want.startsWith("hello")) ws.send("hello");
    assert.equal(await next(ws), want, name);
    ws.terminate();
  }
});

test("it ends when the feed says so: at once with a follower, else within half a second", async () => {
  for (const event of [{ key: "" }, undefined]) {
    over.length = 0;
    const [ws] = await open("/live", credential(await token("org_acme", 300))), began = Date.now();
    ended = true;
    if (event) for (const listener of listeners) listener(event);
    assert.equal(await next(ws), "4401 invalid_token session_ended");
    assert.ok(Date.now() - began < (event ? 200 : 800));
    assert.deepEqual(over, ["session_ended"]);
    ended = false;
  }
  assert.equal(listeners.size, 0, "nothing is listened for any more");
});

test("a withdrawn key ends it", async () => {
  const other = createVerifier({ ...issuer }), held = createHold(createGuard(other), { origins: [page], follower });
  const { protect } = held;
  const stream = await protect({}, (_, { signal }) => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) }), { headers: { aborted: signal.aborted } }))(
    new Request(baseURL, { headers: { Authorization: `Bearer ${await token("org_acme", 300)}` } }));
  const reader = stream.body.getReader();
  await reader.read();
  other.withdraw("test");
  for (const listener of listeners) listener({ key: "test" });
  await assert.rejects(reader.read(), { reason: "unknown_key" });
});

test("a stream is cut off at its token's end", async () => {
  const answer = await hold.protect({}, () => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) })))(
    new Request(baseURL, { headers: { Authorization: `Bearer ${await token("org_acme", 2)}` } }));
  assert.equal(answer.headers.get("Tabard-Organization"), "org_acme");
  const reader = answer.body.getReader();
  await reader.read();
  await assert.rejects(reader.read(), { reason: "expired" });
});

/** A guard's holder that counts what it subscribes to. */
function counted() {
  const subscribed = new Set();
  return { subscribed, hold: createHold(guard, { origins: [page], follower: { subscribe: (listener) => (subscribed.add(listener), () => subscribed.delete(listener)) } }) };
}

test("a stream is given up however it ends", async (t) => {
  const raw = await token("org_acme", 300), given = [];
  const endless = () => new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)), cancel: (reason) => void given.push(reason) });
  const ask = async (body, init, use) => {
    const { hold, subscribed } = counted();
    const answer = await hold.protect({}, () => new Response(body()))(new Request(baseURL, { headers: { Authorization: `Bearer ${raw}` }, ...init }));
    assert.equal(answer.headers.get("Tabard-Organization"), "org_acme");
    await use(answer);
    return subscribed.size;
  };
  const read = async ({ body }) => {
    const reader = body.getReader();
    await reader.read();
    return reader;
  };
  assert.equal(await ask(endless, {}, read), 1, "one that is read goes on");
  assert.equal(await ask(endless, {}, async (answer) => (await read(answer)).cancel("the page left")), 0, "canceled");
  assert.deepEqual(given, ["the page left"]);
  const failing = () => new ReadableStream({ pull: (c) => c.error(new Error("the source failed")) });
  assert.equal(await ask(failing, {}, (answer) => assert.rejects(answer.text(), /the source failed/)), 0, "failed");
  assert.equal(await ask(() => "all", {}, async (answer) => assert.equal(await answer.text(), "all")), 0, "read to its end");
  assert.equal(await ask(endless, { method: "HEAD" }, ({ body }) => assert.equal(body, null)), 0, "a HEAD's");
  const page = new AbortController();
  assert.equal(await ask(endless, { signal: page.signal }, async (answer) => {
    const reader = await read(answer);
    page.abort();
    await assert.rejects(reader.read(), { name: "AbortError" });
  }), 0, "of a request that was broken off");
  const upgraded = new AbortController();
  upgraded.abort(); // as on Deno, when the WebSocket begins
  assert.equal(await ask(endless, { signal: upgraded.signal, headers: { Authorization: `Bearer ${raw}`, Upgrade: "websocket" } }, read), 1, "an upgrade goes on");
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  assert.equal(await ask(endless, {}, () => mock.timers.tick(10_000)), 0, "never read");
  assert.equal(given.length, 4);
});

test("what a handler holds itself is given up with its answer", async (t) => {
  const { hold, subscribed } = counted(), app = express();
  app.get("/stream", protectExpress(guard), (request, response) => {
    hold.signal(request.tabard);
    response.write("x");
    if (request.query.whole) response.end();
  });
  const server = createServer(app).listen(0);
  t.after(() => server.close());
  const headers = { Authorization: `Bearer ${await token("org_acme", 300)}` }, address = `http://localhost:${server.address().port}/stream`;
  const given = async () => {
    for (let i = 0; subscribed.size && i < 1000; i++) await new Promise((later) => setTimeout(later));
    return subscribed.size;
  };
  const answer = await fetch(address, { headers });
  assert.equal(subscribed.size, 1);
  await answer.body.cancel();
  assert.equal(await given(), 0, "the page left");
  await (await fetch(`${address}?whole=1`, { headers })).text();
  assert.equal(await given(), 0, "answered");
  const over = new AbortController(), admission = await guard.admit(new Request(baseURL, { headers }));
  const signal = hold.signal(admission, over.signal);
  over.abort();
  assert.deepEqual([subscribed.size, signal.aborted], [0, true], "until");
});

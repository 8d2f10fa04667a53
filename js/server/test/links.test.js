// @ts-nocheck
// Links: addresses that open one request for a minute.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";

import express from "express";
import { WebSocket, WebSocketServer } from "ws";

import { createGuard, createVerifier } from "../index.js";
import { protect as protectExpress } from "../express.js";
import { createHold } from "../hold.js";
import { createLinks } from "../links.js";
import { createTestIssuer } from "../testing.js";

const base = "https://api.example.com", key = new TextEncoder().encode("a key of links that has 32 bytes");

async function world(options) {
  const w = { now: Date.now(), records: [], ended: false, unready: false };
  const clock = () => w.now;
  w.issuer = await createTestIssuer({ now: clock });
  w.verifier = createVerifier({ ...w.issuer, now: clock });
  w.guard = createGuard(w.verifier, {
    record: (record) => void w.records.push(record), ended: ({ evt }) => w.ended && evt === 7,
    ready: () => { if (w.unready) throw new Error("the feed was not read"); },
  });
  w.links = createLinks(w.guard, { keys: [key], ...options });
  w.admission = async (options) => {
    const token = await w.issuer.token("org_acme", options);
    return w.guard.admit(new Request(`${base}/links`, { headers: { Authorization: `Bearer ${token}` } }), { lent: true });
  };
  w.make = async (method, address, options) => w.links.make(await w.admission(options), method, address);
  const serve = (_, { organization }) => new Response(`the file of ${organization}`);
  w.open = async (method, address, { rule = {}, params, by = w.links } = {}) => {
    const answer = await by.protect(rule, serve)(new Request(base + address, { method }), { params });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  return w;
}

test("a link opens its request alone", async () => {
  const w = await world();
  const plain = await w.make("GET", "/files/7"), query = await w.make("GET", "/files/7?size=small"), post = await w.make("POST", "/files/7");
  const sealed = plain.slice(plain.indexOf("link=") + 5);
  for (const [name, method, address, status] of [
    ["its own", "GET", plain, 200],
    ["once more", "GET", plain, 200],
    ["its head", "HEAD", plain, 200],
    ["another method", "POST", plain, 403],
    ["another method's", "GET", post, 403],
    ["POST by its own", "POST", post, 200],
    ["another path", "GET", plain.replace("/7", "/8"), 403],
    ["a path that means the same", "GET", plain.replace("/7", "/%37"), 403],
    ["with a query", "GET", query, 200],
    ["another query", "GET", query.replace("small", "large"), 403],
    ["without its query", "GET", query.replace("size=small&", ""), 403],
    ["another parameter before it", "GET", plain.replace("?", "?file=8&"), 403],
    ["another parameter after it", "GET", `${plain}&file=8`, 403],
    ["twice", "GET", `${plain}&link=${sealed}`, 403],
    ["altered", "GET", plain.replace(sealed, (sealed[0] === "A" ? "B" : "A") + sealed.slice(1)), 403],
    ["cut off", "GET", plain.slice(0, -4), 403],
    ["short", "GET", "/files/7?link=AAAA", 403],
    ["empty", "GET", "/files/7?link=", 403],
    ["missing", "GET", "/files/7", 403],
  ]) {
    w.records.length = 0;
    const got = await w.open(method, address);
    assert.deepEqual([got.status, w.records.map(({ reason }) => reason)], [status, [status === 200 ? "" : "invalid_link"]], name);
    if (status === 403) assert.deepEqual([JSON.parse(got.text).error, got.headers.get("Cache-Control")], ["invalid_link", "no-store"], name);
  }
});

test("an answer to a link is kept apart", async () => {
  const w = await world();
  const { text, headers } = await w.open("GET", await w.make("GET", "/files/7"));
  assert.equal(text, "the file of org_acme");
  for (const [name, value] of Object.entries({
    "Tabard-Organization": "org_acme", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff",
  })) assert.equal(headers.get(name), value, name);
  const foreign = await w.open("GET", await w.make("GET", "/organizations/org_globex/files"), { rule: { organization: "organization" }, params: { organization: "org_globex" } });
  assert.deepEqual([foreign.status, foreign.headers.get("Tabard-Organization"), w.records.at(-1).outcome], [403, "org_acme", "alarm"]);
});

test("a link shows nothing of whose it is", async () => {
  const w = await world(), [one, two] = [await w.make("GET", "/files/7"), await w.make("GET", "/files/7")];
  assert.notEqual(one, two);
  const text = atob(one.slice(one.indexOf("link=") + 5).replaceAll("-", "+").replaceAll("_", "/"));
  for (const secret of ["org_acme", "usr_test", `"exp"`, "eyJhbG"]) assert.ok(!text.includes(secret) && !one.includes(secret), secret);
});

test("a link ends", async () => {
  const w = await world(), made = await w.make("GET", "/files/7", { claims: { evt: 7 } }), begun = w.now;
  const check = async (what, status, reason) => {
    const answer = await w.open("GET", made);
    assert.deepEqual([answer.status, answer.status === 200 ? "" : JSON.parse(answer.text).error_description], [status, reason], what);
  };
  w.now = begun + 59_000 - (begun % 1000);
  await check("within its minute", 200, "");
  w.now = begun + 60_000;
  await check("after it", 403, "invalid_link");
  w.now = begun;
  w.ended = true;
  await check("after its session ended", 401, "session_ended");
  w.ended = false;
  w.unready = true;
  await check("while endings are unknown", 503, "endings_unknown");
  w.unready = false;
  w.verifier.withdraw("test");
  await check("after the token's key was withdrawn", 401, "unknown_key");
});

test("a link outlives no token", async () => {
  const w = await world(), made = await w.make("GET", "/files/7", { age: 290 });
  w.now += 10_000;
  assert.equal((await w.open("GET", made)).status, 403);
});

test("a link gives nothing further", async () => {
  const w = await world();
  const permitted = await w.make("GET", "/files/7", { permissions: ["notes:read"] });
  assert.match((await w.open("GET", permitted, { rule: { permissions: ["notes:read"] } })).text, /insufficient_scope/);
  assert.match((await w.open("GET", await w.make("GET", "/files/7", { claims: { lent: true } }))).text, /insufficient_scope/);
  const request = new Request(base + (await w.make("GET", "/files/7")), { headers: { Authorization: `Bearer ${await w.issuer.token("org_acme")}` } });
  const made = await w.links.protect({}, async (_, admission) => new Response(await w.links.make(admission, "GET", "/files/8").catch((error) => error.message)))(request);
  assert.match(await made.text(), /by an access token/);
});

test("keys are replaced", async () => {
  const w = await world(), other = new TextEncoder().encode("another key of links of 32 bytes"), made = await w.make("GET", "/files/7");
  assert.equal((await w.open("GET", made, { by: createLinks(w.guard, { keys: [other, key] }) })).status, 200);
  assert.equal((await w.open("GET", made, { by: createLinks(w.guard, { keys: [other] }) })).status, 403);
  for (const options of [{ keys: [] }, { keys: [key.slice(1)] }, { keys: [key], life: 3600 }, { keys: [key], life: -1 }]) {
    assert.throws(() => createLinks(w.guard, options), TypeError);
  }
});

const { taken, refused, methods } = JSON.parse(readFileSync(new URL("../vectors/links.json", import.meta.url), "utf8"));

test("a link is to an address of the API, as browsers send it", async () => {
  const w = await world(), admission = await w.admission();
  for (const address of taken) {
    const made = await w.links.make(admission, "GET", address);
    assert.ok(made.startsWith(address.replace(/\?$/, "")), address);
    assert.equal((await w.open("GET", made)).status, 200, address);
  }
  for (const address of refused) await assert.rejects(w.links.make(admission, "GET", address), TypeError, address);
  for (const method of methods.taken) await w.links.make(admission, method, "/files/7");
  for (const method of methods.refused) await assert.rejects(w.links.make(admission, method, "/files/7"), TypeError, method);
});

test("Express serves links, and a path is not read in two ways", async (t) => {
  const w = await world(), app = express();
  app.use("/files", express.Router().get("/*name", protectExpress(w.links), (request, response) => void response.send(`${request.params.name} of ${request.tabard.organization}`)));
  const server = createServer(app).listen(0);
  t.after(() => server.close());
  const origin = `http://localhost:${server.address().port}`, made = await w.make("GET", "/files/7");
  const served = await fetch(origin + made);
  assert.deepEqual([served.status, await served.text(), served.headers.get("Referrer-Policy")], [200, "7 of org_acme", "no-referrer"]);
  for (const target of [made.replace("/7", "/8"), made.replace("/7", "/8/..%2f7"), made.replace("/files/7", "/files//7")]) {
    assert.equal((await fetch(origin + target)).status, 403, target);
  }
});

test("what a link opened is held", async () => {
  const w = await world(), hold = createHold(w.guard, { origins: ["https://app.example.com"] });
  const handler = hold.protect({}, (_, { organization, signal }) => {
    const body = new ReadableStream({ start: (controller) => {
      controller.enqueue(new TextEncoder().encode(organization));
      signal.addEventListener("abort", () => (w.reason = signal.reason.reason));
    } });
    return new Response(body);
  }, w.links);
  const answer = await handler(new Request(base + (await w.make("GET", "/stream", { claims: { evt: 7 } }))));
  const reader = answer.body.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "org_acme");
  w.ended = true;
  await assert.rejects(reader.read());
  assert.equal(w.reason, "session_ended");
  const upgrade = (origin) => hold.refuse(new Request(`${base}/live`, { headers: { Origin: origin } }), { linked: true })?.status;
  assert.deepEqual([upgrade("https://app.example.com"), upgrade("https://evil.example")], [undefined, 403]);
});

test("what a link held of a WebSocket is given up when the page leaves", async (t) => {
  const w = await world(), watched = new Set(), sockets = new WebSocketServer({ noServer: true }), server = createServer();
  const follower = { subscribe: (listener) => (watched.add(listener), () => watched.delete(listener)) };
  const hold = createHold(w.guard, { origins: ["https://app.example.com"], follower });
  let signal;
  server.on("upgrade", async (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    assert.equal(hold.refuse(request, { linked: true }), undefined);
    const admission = await w.links.admit(request);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      signal = hold.signal(admission);
      ws.send(admission.organization);
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => server.close());
  const ws = new WebSocket(`ws://127.0.0.1:${server.address().port}${await w.make("GET", "/live")}`, { origin: "https://app.example.com" });
  assert.equal(String(await new Promise((said) => ws.once("message", said))), "org_acme");
  assert.deepEqual([watched.size, signal.aborted], [1, false]);
  ws.terminate();
  for (let i = 0; watched.size && i < 1000; i++) await new Promise((later) => setTimeout(later));
  assert.deepEqual([watched.size, signal.aborted], [0, true]);
});

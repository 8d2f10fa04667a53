// @ts-nocheck
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { acme, globex, publish, remember, set, settle } from "./stage.js";

const { createClient, TabardError } = await import("../index.js");

let client;
afterEach(() => {
  client.close();
  mock.restoreAll();
  delete globalThis.document;
});

/** An active client on a fresh stage. */
async function active(options) {
  const stage = set();
  client = createClient({ backend: "/auth", ...options });
  await settle();
  publish(stage, {});
  return stage;
}

const sentToken = ([, init]) => init?.headers && new Headers(init.headers).get("authorization");

test("the token goes to the page's own origin and to registered ones, and to no other", async () => {
  const stage = await active({ apis: ["https://app.example", "https://api.example/v1"] });
  await client.fetch("/api/notes", { headers: { "X-Mine": "1" } });
  await client.fetch(new URL("https://api.example/notes"));
  await client.fetch(new Request("https://api.example/notes"));
  await client.fetch("https://evil.example/api");
  await client.fetch("https://app.example.evil/api");
  await client.fetch("//evil.example");
  assert.deepEqual(stage.requests.map(sentToken), [
    "Bearer token", "Bearer token", "Bearer token", undefined, undefined, undefined,
  ]);
  assert.equal(new Headers(stage.requests[0][1].headers).get("x-mine"), "1");
});

test("a refused token is renewed once and the request made again", async () => {
  const stage = await active();
  const tokens = ["old", "new"];
  stage.module.token = () => tokens.shift();
  stage.answer = (_, init) => new Response("", { status: new Headers(init.headers).get("authorization") === "Bearer new" ? 200 : 401 });
  const response = await client.fetch("/api/notes", { method: "POST", body: "text" });
  assert.equal(response.status, 200);
  assert.deepEqual(stage.requests.map(sentToken), ["Bearer old", "Bearer new"]);
  assert.equal(stage.requests[1][1].body, "text");
  assert.deepEqual(stage.calls.filter(([name]) => name === "token"), [["token", "", ""], ["token", "", "old"]]);
});

test("a request that is given up while its token is awaited ends at once, whatever becomes of the token", async () => {
  const stage = await active();
  let late;
  stage.module.token = () => new Promise((_, reject) => (late = reject));
  for (const ask of [(signal) => client.fetch("/api/notes", { signal }), (signal) => client.fetch(new Request("https://app.example/api/notes", { signal }))]) {
    const giveUp = new AbortController();
    const refused = assert.rejects(ask(giveUp.signal), /enough/);
    await settle();
    giveUp.abort(new Error("enough"));
    await refused;
    late({ code: "temporarily_unavailable", action: "retry" });
    await settle();
  }
  assert.deepEqual(stage.requests, []);
});

test("a request that was given up before asks for no token", async () => {
  const stage = await active();
  await assert.rejects(client.fetch("/api/notes", { signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  assert.deepEqual(stage.calls, []);
});

test("a token that is refused twice is the API's answer", async () => {
  const stage = await active();
  stage.answer = () => new Response("", { status: 401 });
  assert.equal((await client.fetch("/api/notes")).status, 401);
  assert.equal(stage.requests.length, 2);
});

/** An answer of an API at an address, as browsers give it. */
const answerOf = (url, ...answer) => Object.defineProperty(new Response(...answer), "url", { value: url });

test("why an API refuses a token that is new stands on the console, once for each origin", async () => {
  const stage = await active({ apis: ["https://one.example", "https://api.example"] });
  const lines = [];
  console.error.mock.mockImplementation((line) => lines.push(line));
  for (const [url, challenge] of [["https://one.example/notes", "Bearer"], ["https://one.example/more", "Bearer"], ["https://api.example/notes", 'Bearer error="invalid_token", error_description="wrong audience"']]) {
    stage.answer = () => answerOf(url, "", { status: 401, headers: { "WWW-Authenticate": challenge } });
    assert.equal((await client.fetch(url)).status, 401);
  }
  assert.deepEqual(lines, [
    'tabard: https://one.example/notes got no token, although one was sent: leave mode "no-cors" out of the request, and let neither a wrapper of fetch, a service worker nor a proxy drop the header Authorization',
    'tabard: https://api.example/notes refuses a token that was minted just now (401 Bearer error="invalid_token", error_description="wrong audience"): see that it expects this backend as the issuer, and the app\'s audience',
  ]);
});

test("a request whose answer the page may not read is told why; one that asks where it is redirected to is answered", async () => {
  const stage = await active();
  const opaque = (type) => Object.defineProperties(new Response(null, { status: 204 }), { type: { value: type }, status: { value: 0 }, ok: { value: false } });
  stage.answer = () => opaque("opaque");
  await assert.rejects(client.fetch("/api", { mode: "no-cors" }), { name: "TypeError", message: /^mode "no-cors" sends no token/ });
  stage.answer = () => opaque("opaqueredirect");
  assert.equal((await client.fetch("/api", { redirect: "manual" })).type, "opaqueredirect");
});

test("a body that can be read only once is not sent twice", async () => {
  const stage = await active();
  stage.answer = async (input) => {
    if (input instanceof Request) await input.text();
    return new Response("", { status: 401 });
  };
  const stream = new Blob(["x"]).stream();
  assert.equal((await client.fetch("/api", { method: "POST", body: stream, duplex: "half" })).status, 401);
  assert.equal(stage.requests.length, 1);
});

test("a Request is made again with its body, as strings are", async () => {
  const stage = await active();
  const tokens = ["old", "new"];
  stage.module.token = () => tokens.shift();
  const bodies = [];
  stage.answer = async (input, init) => {
    bodies.push(await new Request(input, { ...init, duplex: "half" }).text());
    return new Response("", { status: tokens.length ? 401 : 200 });
  };
  const request = new Request("https://app.example/api", { method: "POST", body: "x", headers: { "X-Mine": "1" } });
  tokens.push("newer");
  assert.equal((await client.fetch(request)).status, 401);
  assert.deepEqual([bodies, stage.requests.map(sentToken)], [["x", "x"], ["Bearer old", "Bearer new"]]);
  assert.equal(new Headers(stage.requests[1][1].headers).get("x-mine"), "1");
});

const lacking = () => new Response("", { status: 403, headers: { "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="notes:delete"' } });

test("a permission that is lacking is looked for once in a new token", async () => {
  const stage = await active();
  stage.module.token = (_, rejected, keep) => (keep === "keep" && rejected === "old" ? "new" : "old");
  stage.answer = (_, init) => (new Headers(init.headers).get("authorization") === "Bearer new" ? new Response("done") : lacking());
  assert.equal((await client.fetch("/api/notes/1", { method: "DELETE" })).status, 200);
  assert.deepEqual(stage.requests.map(sentToken), ["Bearer old", "Bearer new"]);
  assert.deepEqual(stage.calls.filter(([name]) => name === "token"), [["token", "", ""], ["token", "", "old", "keep"]]);

  stage.requests.length = 0;
  stage.answer = lacking;
  assert.equal((await client.fetch("/api/notes/1", { method: "DELETE" })).status, 403);
  assert.equal(stage.requests.length, 2);
});

test("a permission that is lacking is the answer where there is no new token, or a body is gone", async () => {
  const stage = await active();
  stage.answer = lacking;
  assert.equal((await client.fetch("/api", { method: "POST", body: new Blob(["x"]).stream(), duplex: "half" })).status, 403);
  assert.equal(stage.requests.length, 1);
  stage.module.token = (_, rejected) => {
    if (rejected) throw { code: "temporarily_unavailable", action: "retry" };
    return "token";
  };
  assert.equal((await client.fetch("/api")).status, 403);
  stage.answer = () => new Response("", { status: 403 });
  assert.equal((await client.fetch("/api")).status, 403);
  assert.equal(stage.requests.length, 3);
});

test("a token is renewed although it is valid, where that is asked for", async () => {
  const stage = await active();
  stage.module.token = (_, rejected, keep) => (rejected === "old" && keep === "keep" ? "new" : "old");
  assert.equal(await client.getToken({ forceRefresh: true }), "new");
  assert.equal(await client.getToken(), "old");
  assert.equal(await client.inOrganization("globex").getToken({ forceRefresh: true }), "new");
});

test("who aborts by leaving the organization is told from who gives up", async () => {
  const stage = await active();
  const { signal } = client.partition;
  publish(stage, { organization: globex, fence: 2 });
  assert.ok(signal.reason instanceof TabardError);
  assert.deepEqual([signal.reason.name, signal.reason.code, signal.reason.action], ["AbortError", "organization_left", "stop"]);
});

test("a request ends with the organization it was made for", async () => {
  const stage = await active();
  let signal;
  stage.answer = (_, init) => {
    signal = init.signal;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const pending = client.fetch("/api/notes");
  await settle();
  publish(stage, { organization: globex, fence: 2 });
  await assert.rejects(pending, { name: "AbortError" });
});

test("a request whose organization goes while its token is asked for is not sent for the next", async () => {
  const stage = await active();
  let hand;
  stage.module.token = () => new Promise((resolve) => (hand = resolve));
  const pending = client.fetch("/api/notes", { method: "POST" });
  await settle();
  hand("acme's");
  publish(stage, { organization: globex, fence: 2 });
  await assert.rejects(pending, { name: "AbortError" });
});

test("a request made before the organization is known is sent when it is", async () => {
  const stage = set();
  client = createClient({ backend: "/auth" });
  let hand;
  stage.module.token = () => new Promise((resolve) => (hand = resolve));
  const pending = client.fetch("/api/notes");
  await settle();
  publish(stage, {});
  stage.module.token = () => "token";
  hand("token");
  assert.equal((await pending).status, 200);
  assert.equal(stage.requests[0][1].signal.aborted, false);
});

test("the caller's own signal still counts", async () => {
  await active();
  await assert.rejects(client.fetch("/api", { signal: AbortSignal.abort() }), { name: "AbortError" });
  const request = new Request("https://app.example/api", { signal: AbortSignal.abort() });
  await assert.rejects(client.fetch(request), { name: "AbortError" });
});

test("a second organization's requests carry its own token", async () => {
  const stage = await active();
  stage.module.token = (organization) => organization + "-token";
  await client.inOrganization("globex").fetch("/api/notes");
  assert.deepEqual(stage.requests.map(sentToken), ["Bearer globex-token"]);
  publish(stage, { organization: globex, fence: 2 });
  await client.inOrganization("globex").fetch("/api/notes");
  assert.equal(stage.requests.length, 2);
});

test("a bound token goes under DPoP, with a proof for the request", async () => {
  const stage = await active();
  stage.module.token = (_, rejected) => `DPoP ${rejected ? "new" : "old"}`;
  stage.module.proof = (token, method, url) => `proof of ${token} for ${method} ${url}`;
  stage.answer = (_, init) => new Response("", { status: new Headers(init.headers).get("authorization") === "DPoP new" ? 200 : 401 });
  assert.equal(await client.getToken(), "old");
  const response = await client.fetch("/api/notes?page=2#top", { method: "delete", headers: { DPoP: "the page's own" } });
  assert.equal(response.status, 200);
  assert.deepEqual(stage.requests.map(([, init]) => [sentToken([, init]), new Headers(init.headers).get("dpop")]), [
    ["DPoP old", "proof of old for DELETE https://app.example/api/notes"],
    ["DPoP new", "proof of new for DELETE https://app.example/api/notes"],
  ]);
  assert.deepEqual(stage.calls.filter(([name]) => name === "token").at(-1), ["token", "", "old"]);
});

test("a token that is not bound goes without a proof", async () => {
  const stage = await active();
  await client.fetch("/api/notes");
  assert.equal(new Headers(stage.requests[0][1].headers).get("dpop"), null);
  assert.deepEqual(stage.calls.filter(([name]) => name === "proof"), []);
});

test("a bound token from before a reload is known as one", async () => {
  const stage = set();
  remember({ held: { answer: { access_token: "early", token_type: "DPoP", organization: acme } } });
  stage.module.proof = () => "proof";
  client = createClient({ backend: "/auth" });
  const [token] = await Promise.all([client.getToken(), client.fetch("/api/notes")]);
  assert.equal(token, "early");
  assert.equal(sentToken(stage.requests[0]), "DPoP early");
  assert.equal(new Headers(stage.requests[0][1].headers).get("dpop"), "proof");
});

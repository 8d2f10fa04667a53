// @ts-nocheck
// What the guard adds to answers, and settings that are refused.

import assert from "node:assert/strict";
import { test } from "node:test";

import { allows, byStaff, createGuard, createVerifier, logTo, renewalUrl, serves, TokenError } from "../index.js";
import { Replays } from "../src/replays.js";
import { createTestIssuer } from "../testing.js";

const api = "https://api.example.com";
const issuer = await createTestIssuer();
const verifier = createVerifier({ ...issuer });
const get = async (headers, token) => new Request(`${api}/notes`, { headers: { Authorization: `Bearer ${token ?? await issuer.token("org_acme")}`, ...headers } });

test("an answer says whose it is, may not be stored, and has tags of its own", async () => {
  const seen = [];
  const protect = createGuard(verifier).protect({}, (request) => {
    seen.push(request.headers.get("If-None-Match"));
    if (seen.at(-1)?.includes('"1"')) return new Response(null, { status: 304, headers: { ETag: '"1"' } });
    return new Response("notes", { headers: { ETag: '"1"', "Access-Control-Expose-Headers": "X-Total" } });
  });
  const first = await protect(await get());
  assert.equal(first.headers.get("Tabard-Organization"), "org_acme");
  assert.equal(first.headers.get("Access-Control-Expose-Headers"), "X-Total, Tabard-Organization");
  assert.equal(first.headers.get("Cache-Control"), "no-store");
  const tag = first.headers.get("ETag");
  assert.match(tag, /^"1-[\w-]{16}"$/);

  const again = await protect(await get({ "If-None-Match": `"0", ${tag}` }));
  assert.deepEqual([again.status, again.headers.get("ETag"), seen.at(-1)], [304, tag, '"of-another-organization-or-person", "1"']);
  // Another organization's tag, and one that was stored before there were marks, are not fresh.
  for (const [token, held] of [[await issuer.token("org_globex"), tag], [undefined, '"1"'], [await issuer.token("org_acme", { claims: { sub: "usr_2" } }), tag]]) {
    const other = await protect(await get({ "If-None-Match": held }, token));
    assert.equal(other.status, 200);
    assert.notEqual(held === tag && other.headers.get("ETag"), tag);
  }
});

test("a handler's own rule about caching stays, and conditional writes compare its own tags", async () => {
  const protect = createGuard(verifier).protect({}, (request) => new Response(request.headers.get("If-Match"), {
    headers: { "Cache-Control": "private, max-age=60", ETag: 'W/"2"' } }));
  const tag = (await protect(await get())).headers.get("ETag");
  assert.match(tag, /^W\/"2-[\w-]{16}"$/);
  const answer = await protect(await get({ "If-Match": `${tag}, "else"` }));
  assert.equal(await answer.text(), 'W/"2", "of-another-organization-or-person"');
  assert.deepEqual([answer.headers.get("Cache-Control"), answer.headers.get("Vary")], ["private, max-age=60", "Authorization"]);
  assert.equal(await (await protect(await get({ "If-Match": "*" }))).text(), "*");
});

test("a date and a range say nothing about whose body a cache has", async () => {
  const protect = createGuard(verifier).protect({}, (request) => Response.json([...request.headers].map(([name]) => name), { headers: { ETag: '"3"' } }));
  const tag = (await protect(await get())).headers.get("ETag");
  const names = async (headers) => (await (await protect(await get(headers))).json()).filter((name) => /range|modified/.test(name));
  assert.deepEqual(await names({ "If-Modified-Since": "Mon, 30 Nov 2026 00:00:00 GMT" }), []);
  assert.deepEqual(await names({ Range: "bytes=0-1", "If-Range": '"3"' }), []);
  assert.deepEqual(await names({ Range: "bytes=0-1", "If-Range": tag }), ["if-range", "range"]);
});

test("a refusal names the token's organization, and only an authentic one's", async () => {
  const protect = createGuard(verifier).protect({ organization: "organization" }, () => new Response());
  const to = async (token) => (await protect(await get({}, token), { params: Promise.resolve({ organization: "org_globex" }) })).headers.get("Tabard-Organization");
  assert.equal(await to(await issuer.token("org_acme")), "org_acme");
  assert.equal(await to(await issuer.expired("org_acme")), "org_acme");
  assert.equal(await to(await issuer.foreign("org_acme")), null);
  assert.equal(await to("abc"), null);
});

test("an error of the handler is its own", async () => {
  const protect = createGuard(verifier).protect({}, () => { throw new RangeError("own"); });
  await assert.rejects(protect(await get()), RangeError);
});

test("a bound token needs a baseURL, and other settings are checked", async () => {
  const device = await issuer.device(), token = await issuer.token("org_acme", { boundTo: device });
  const request = async () => new Request(`${api}/notes?page=2`, { headers: await device.headers(token, "GET", `${api}/notes`) });
  await assert.rejects(createGuard(verifier).verify(await request()), { reason: "invalid_proof" });
  assert.equal((await createGuard(verifier, { baseURL: api }).verify(await request())).org_id, "org_acme");
  for (const baseURL of ["api.example.com", "/api", "ftp://api.example.com", "https://u@api.example.com"]) {
    assert.throws(() => createGuard(verifier, { baseURL }), TypeError);
  }
  for (const wrong of [{ issuer: "" }, { audience: undefined }, { leeway: 61 }, { leeway: -1 }, { algorithms: ["none"] }, { algorithms: ["HS256"] }]) {
    assert.throws(() => createVerifier({ ...issuer, ...wrong }), TypeError, JSON.stringify(wrong));
  }
});

test("options and claims are own properties", async () => {
  Object.prototype.algorithms = ["none"];
  Object.prototype.org_id = "org_evil";
  try {
    assert.equal((await createVerifier({ ...issuer }).verify(await issuer.token("org_acme"))).org_id, "org_acme");
    const without = await issuer.token("org_acme", { claims: { org_id: undefined } });
    await assert.rejects(createVerifier({ ...issuer }).verify(without), { reason: "missing_claim" });
  } finally {
    delete Object.prototype.algorithms;
    delete Object.prototype.org_id;
  }
});

test("the expired still say whose they were", async () => {
  const { claims, error } = await verifier.inspect(await issuer.expired("org_acme"));
  assert.ok(error instanceof TokenError);
  assert.deepEqual([error.reason, claims.org_id, claims.sub], ["expired", "org_acme", "usr_test"]);
  const address = new URL(renewalUrl(claims, "/org_acme/notes?a=1&b=ä"));
  assert.equal(address.origin + address.pathname, "https://app.example.com/auth/login");
  assert.deepEqual(Object.fromEntries(address.searchParams), { app: "app", organization: "org_acme", return_to: "/org_acme/notes?a=1&b=ä", user: "usr_test" });
  const own = { ...claims, iss: "https://app.example.com/auth/o/org_acme" };
  assert.equal(renewalUrl(own, "/"), renewalUrl(claims, "/"));
  const forged = await verifier.inspect(await issuer.foreign("org_acme", { age: 10_000 }));
  assert.deepEqual([forged.claims, forged.error.reason], [undefined, "bad_signature"]);
});

test("verifyFor, serves, allows and byStaff", async () => {
  const token = await issuer.token("org_acme", { permissions: ["notes:read"], claims: { act: { sub: "reports", act: { sub: "usr_test" } } } });
  const claims = await verifier.verifyFor(token, "acme");
  await assert.rejects(verifier.verifyFor(token, "org_globex"), { reason: "wrong_organization" });
  assert.deepEqual([serves(claims, "org_acme"), serves(claims, "ORG_ACME"), serves(claims, ""), serves(claims, undefined)], [true, false, false, false]);
  assert.deepEqual([allows(claims, "notes:read"), allows(claims, "notes:write"), byStaff(claims)], [true, false, true]);
});

test("the log tells alarms from refusals, and no token", async () => {
  const lines = [];
  const write = (level) => (text, record) => lines.push([level, text, JSON.stringify(record)]);
  const guard = createGuard(verifier, { record: logTo({ debug: write("debug"), info: write("info"), error: write("error") }) });
  const token = await issuer.token("org_acme");
  const protect = guard.protect({ organization: "organization" }, () => new Response());
  for (const organization of ["org_acme", "org_globex"]) await protect(await get({}, token), { params: { organization } });
  await protect(new Request(api));
  assert.deepEqual(lines.map(([level, text]) => `${level} ${text}`), ["debug access token allowed", "error access token alarm", "info access token refused"]);
  assert.ok(!lines.some(([, , record]) => record.includes(token) || record.includes("ses_test")));
});

test("a key with very many proofs loses its own oldest ones, and no other key's", () => {
  const replays = new Replays(120, 8);
  const use = (jkt, name, issuedAt, now = issuedAt) => replays.use({ jkt, name, issuedAt }, now);
  use("honest", 1, 100);
  for (let i = 0; i < 16; i++) use("busy", i, 100 + i, 100);
  use("busy", 16, 116, 100);
  assert.throws(() => use("busy", 0, 100), /too many/, "a forgotten proof may be a replay");
  assert.throws(() => use("busy", 16, 116, 100), /used before/);
  assert.throws(() => use("honest", 1, 100), /used before/);
  use("honest", 2, 100);
  use("honest", 1, 400, 400); // valid for 120 s, forgotten after twice as long
  let full = 0;
  for (let i = 0; i < 1000; i++) {
    try {
      use(`made-up ${i}`, 1, 400, 400);
    } catch {
      full++;
    }
  }
  assert.equal(full, 1000 - 64 * 8 / 4 + 1);
});

// @ts-nocheck
// The vectors that the Go packages are tested with: one verdict, one reason.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { createGuard, createVerifier, refuse } from "../index.js";
import { parse, verifySignature } from "../src/jws.js";
import { parseKeySet } from "../src/keyset.js";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));

/** A verifier for a file of vectors. */
const verifierFor = (file, { organizations = false, unreachable = false } = {}) => createVerifier({
  issuer: file.issuer, audience: file.audience, leeway: file.leeway, now: () => file.now * 1000, organizations,
  dedicated: organizations ? (id) => file.dedicated.includes(id) : undefined,
  fetch: async (url) => {
    const keys = unreachable ? undefined : file.keys[url];
    return keys ? Response.json(keys) : new Response("", { status: 404 });
  },
});

test("tokens", async (t) => {
  const file = read("../vectors/tokens.json");
  assert.ok(file.vectors.length > 150);
  for (const { name, token, times = 1, organizations, verify, inspect, organization, subject } of file.vectors) {
    await t.test(name, async () => {
      const verifier = verifierFor(file, { organizations }), raw = token.repeat(times);
      const refused = await verifier.verify(raw).then(() => "", (error) => error.reason);
      assert.equal(refused, verify);
      const { claims, error } = await verifier.inspect(raw);
      assert.equal(error?.reason ?? "", inspect);
      assert.deepEqual([claims?.org_id, claims?.sub], [organization, subject]);
    });
  }
});

test("requests", async (t) => {
  const file = read("../vectors/requests.json");
  assert.ok(file.vectors.length > 100);
  for (const vector of file.vectors) await t.test(vector.name, () => run(file, vector));
});

async function run(file, { rule, row, unreachable, requests }) {
  const records = [];
  const guard = createGuard(verifierFor(file, { unreachable }), {
    baseURL: file.base_url, ended: ({ sid }) => file.ended.includes(sid), record: (record) => void records.push(record),
  });
  const { organization, permissions, max_age: maxAge, acr, lent } = rule;
  const handler = guard.protect({ organization, permissions, maxAge, acr, lent, route: "/notes" }, async (_, admission) => {
    if (row) await admission.match(row);
    return new Response("served");
  });
  for (const wanted of requests) {
    records.length = 0;
    const request = new Request(file.base_url + wanted.path, { method: wanted.method, headers: wanted.headers });
    const answer = await handler(request, { params: wanted.params });
    const body = answer.status === 200 ? {} : await answer.json();
    assert.deepEqual({
      status: answer.status, code: body.error, reason: body.error_description,
      challenge: answer.headers.get("WWW-Authenticate") ?? undefined,
      retry_after: answer.headers.get("Retry-After") ?? undefined,
      organization: answer.headers.get("Tabard-Organization") ?? undefined,
      records: records.map((r) => ({
        outcome: r.outcome, reason: r.reason, session: r.session, token_organization: r.tokenOrganization,
        resource_organization: r.resourceOrganization, actor: r.actor, staff: r.staff, method: r.method, route: r.route,
      })),
    }, {
      status: wanted.status, code: wanted.code, reason: wanted.reason, challenge: wanted.challenge, retry_after: wanted.retry_after,
      organization: wanted.organization, records: wanted.records,
    });
    assert.equal(answer.headers.get("Cache-Control"), "no-store");
  }
}

test("Wycheproof's signatures", async () => {
  const { testGroups } = read("../../../backend/token/testdata/wycheproof/json_web_signature_test.json");
  const counts = { accepted: 0, refused: 0, spared: 0 };
  for (const { public: jwk, tests } of testGroups) {
    for (const { tcId, jws, result } of tests) {
      const accepted = await signed(jwk, jws).then(() => true, () => false);
      // A valid one is spared whose key is symmetric or for an algorithm that access tokens do not use.
      const spared = result === "valid" && !["ES256", "EdDSA", "RS256"].includes(jwk?.alg);
      assert.equal(accepted, result !== "invalid" && !spared, `vector ${tcId}`);
      counts[spared ? "spared" : accepted ? "accepted" : "refused"]++;
    }
  }
  assert.deepEqual([counts.accepted, counts.refused], [10, 355]);
});

async function signed(jwk, raw) {
  const key = (await parseKeySet(JSON.stringify({ keys: [{ ...jwk, kid: "key" }] }))).get("key");
  await verifySignature(parse(raw, 8 << 10), key);
}

test("refuse answers what was thrown", async () => {
  const { error } = await verifierFor(read("../vectors/tokens.json")).inspect("abc");
  assert.equal(refuse(error).status, 401);
});

// @ts-check
// An example: the tests of an API, without a backend.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createGuard, createVerifier } from "@tabard/server";
import { createTestIssuer } from "@tabard/server/testing";

const api = "https://api.example.com";
const issuer = await createTestIssuer();

// What the API does, with the issuer of the tests in the backend's place.
const verifier = createVerifier({ issuer: issuer.issuer, audience: issuer.audience, fetch: issuer.fetch, organizations: true });
const guard = createGuard(verifier, { baseURL: api });
const notes = guard.protect({ organization: "organization", permissions: ["notes:read"] }, (_, { organization, claims }) =>
  Response.json({ organization, roles: claims.roles }));

/** @param {string} token @param {string} organization */
const get = (token, organization) =>
  notes(new Request(`${api}/notes`, { headers: { Authorization: `Bearer ${token}` } }), { params: { organization } });

test("an editor reads the notes of their organization, and of no other", async () => {
  const token = await issuer.token("org_acme", { roles: ["editor"], permissions: ["notes:read"] });
  assert.deepEqual(await (await get(token, "org_acme")).json(), { organization: "org_acme", roles: ["editor"] });
  assert.equal((await get(token, "org_globex")).status, 403);
});

test("expired and foreign tokens, and tokens without the permission, are refused", async () => {
  for (const [token, status] of /** @type {const} */ ([
    [await issuer.expired("org_acme", { permissions: ["notes:read"] }), 401],
    [await issuer.foreign("org_acme", { permissions: ["notes:read"] }), 401],
    [await issuer.token("org_acme"), 403],
  ])) assert.equal((await get(token, "org_acme")).status, status);
});

test("a bound token needs its key's proof", async () => {
  const device = await issuer.device();
  const token = await issuer.token("org_acme", { permissions: ["notes:read"], boundTo: device });
  assert.equal((await get(token, "org_acme")).status, 401);
  const request = new Request(`${api}/notes`, { headers: await device.headers(token, "GET", `${api}/notes`) });
  assert.equal((await notes(request, { params: { organization: "org_acme" } })).status, 200);
});

test("an organization may have an issuer of its own", async () => {
  await issuer.dedicate("org_globex");
  const claims = await verifier.verify(await issuer.token("org_globex"));
  assert.deepEqual([claims.iss, claims.org_id], [`${issuer.issuer}/o/org_globex`, "org_globex"]);
  await assert.rejects(verifier.verify(await issuer.token("org_globex", { claims: { org_id: "org_acme" } })), { reason: "wrong_issuer" });
});

test("time is an argument", async () => {
  let now = 1_800_000_000_000;
  const early = await createTestIssuer({ now: () => now });
  const later = createVerifier({ ...early, now: () => now });
  const token = await early.token("org_acme");
  now += 329_000;
  assert.equal((await later.verify(token)).org_id, "org_acme");
  now += 1000;
  await assert.rejects(later.verify(token), { reason: "expired" });
});

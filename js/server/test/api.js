// @ts-nocheck
// What every framework's API must do: a list of requests, sent over HTTP to a real server.

import assert from "node:assert/strict";
import { request as send } from "node:http";

import { createGuard, createVerifier } from "../index.js";
import { createTestIssuer } from "../testing.js";

export const issuer = await createTestIssuer();
export const baseURL = "https://api.example.com";
export const records = [];
export const guard = createGuard(createVerifier({ ...issuer }), { baseURL, record: (record) => void records.push(record) });

/** The rules of the three routes that {@link check} asks. */
export const rules = {
  notes: { organization: "organization", permissions: ["notes:read"] }, // GET /organizations/{organization}/notes, with ETag "1"
  row: {}, // GET /rows/{row}, of the organization {row}
  transfer: { acr: ["mfa"], maxAge: 300 }, // POST /transfers
};

/** Sends a request with raw headers, which may repeat. */
const ask = (origin, method, path, headers) => new Promise((resolve, reject) => {
  const request = send(origin + path, { method, headers: ["Host", "api.example.com", ...headers] }, async (answer) => {
    let text = "";
    for await (const chunk of answer) text += chunk;
    resolve({ status: answer.statusCode, headers: answer.headers, text });
  });
  request.on("error", reject).end();
});

/** Tries an API that listens at an origin. */
export async function check(origin) {
  const token = await issuer.token("org_acme", { permissions: ["notes:read"] }), device = await issuer.device();
  const bound = await issuer.token("org_acme", { permissions: ["notes:read"], boundTo: device });
  const path = "/organizations/org_acme/notes";
  const get = (at, ...headers) => ask(origin, "GET", at, headers.flat());
  const bearer = (raw) => ["Authorization", `Bearer ${raw}`];
  records.length = 0;

  const served = await get(path, bearer(token));
  assert.deepEqual([served.status, served.text], [200, "notes of org_acme"]);
  assert.equal(served.headers["tabard-organization"], "org_acme");
  assert.equal(served.headers["cache-control"], "no-store");
  assert.match(served.headers["access-control-expose-headers"], /Tabard-Organization/);
  assert.match(served.headers.etag, /^"1-[\w-]{16}"$/);
  assert.equal(records.length, 1);
  assert.match(records[0].route, /organizations/);
  assert.equal((await get("/organizations/acme/notes", bearer(token))).status, 200, "by slug");

  for (const [name, at, headers, status, code, organization] of [
    ["another organization's path", "/organizations/org_globex/notes", bearer(token), 403, "organization_mismatch", "org_acme"],
    ["no token", path, [], 401, "invalid_token"],
    ["two tokens", path, [...bearer(token), ...bearer(await issuer.token("org_globex"))], 401, "invalid_token"],
    ["an expired token", path, bearer(await issuer.expired("org_acme")), 401, "invalid_token", "org_acme"],
    ["a foreign token", path, bearer(await issuer.foreign("org_acme")), 401, "invalid_token"],
    ["no permission", path, bearer(await issuer.token("org_acme")), 403, "insufficient_scope", "org_acme"],
    ["a bound token under Bearer", path, bearer(bound), 401, "invalid_token", "org_acme"],
    ["a row of another organization", "/rows/org_globex", bearer(token), 403, "organization_mismatch", "org_acme"],
  ]) {
    const answer = await get(at, headers);
    assert.deepEqual([answer.status, JSON.parse(answer.text).error, answer.headers["tabard-organization"]], [status, code, organization], name);
    assert.equal(answer.headers["cache-control"], "no-store", name);
  }
  assert.equal((await get("/rows/org_acme", bearer(token))).status, 200);
  assert.ok(records.some(({ outcome, resourceOrganization }) => outcome === "alarm" && resourceOrganization === "org_globex"));

  const headers = Object.entries(await device.headers(bound, "GET", baseURL + path)).flat();
  assert.equal((await get(`${path}?page=2`, headers)).status, 200, "a bound token with its proof");
  assert.equal(JSON.parse((await get(`${path}?page=2`, headers)).text).error, "invalid_dpop_proof", "the proof again");

  const stepUp = await ask(origin, "POST", "/transfers", bearer(token));
  assert.deepEqual([stepUp.status, stepUp.headers["www-authenticate"]], [401, 'Bearer error="insufficient_user_authentication", acr_values="mfa", max_age="300"']);

  // Entity tags do not cross organizations or persons.
  const globex = await issuer.token("org_globex", { permissions: ["notes:read"] });
  const other = await get("/organizations/org_globex/notes", [...bearer(globex), "If-None-Match", served.headers.etag]);
  assert.deepEqual([other.status, other.text], [200, "notes of org_globex"]);
  assert.equal((await get(path, [...bearer(token), "If-None-Match", '"1"'])).status, 200, "a tag without a mark is not fresh");
  assert.equal((await get(path, [...bearer(token), "If-None-Match", served.headers.etag])).status, 304);
}

// @ts-nocheck
// The package on workerd, the runtime of Cloudflare Workers, with keys fetched through a service binding.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import { createTestIssuer } from "../testing.js";

const worker = createRequire(new URL("../../../worker/package.json", import.meta.url));
const { build } = worker("esbuild");
const { Miniflare } = worker("miniflare");

/** The Worker of an API, which learns where keys are from its service binding alone. */
const api = `
import { Hono } from "hono";
import { createGuard, createVerifier } from "@tabard/server";
import { protect } from "@tabard/server/hono";

let app;
const start = (env) => {
  const guard = createGuard(createVerifier({ issuer: env.ISSUER, audience: env.AUDIENCE, fetch: env.AUTH, organizations: true }), { baseURL: "https://api.example.com" });
  const app = new Hono();
  app.get("/organizations/:organization/notes", protect(guard, { organization: "organization" }), (c) => c.text("notes of " + c.get("tabard").organization));
  return app;
};
export default { fetch: (request, env, context) => (app ??= start(env)).fetch(request, env, context) };
`;

test("on workerd", { timeout: 60_000 }, async (t) => {
  const { outputFiles: [{ text: script }] } = await build({
    stdin: { contents: api, resolveDir: fileURLToPath(new URL("..", import.meta.url)) }, bundle: true, format: "esm", write: false, conditions: ["workerd", "worker"],
  });
  const issuer = await createTestIssuer();
  let asked = 0;
  const auth = (request) => {
    asked++;
    return issuer.fetch(request.url);
  };
  const server = new Miniflare({
    modules: true, script, compatibilityDate: "2026-04-01", host: "127.0.0.1",
    bindings: { ISSUER: issuer.issuer, AUDIENCE: issuer.audience }, serviceBindings: { AUTH: auth },
  });
  t.after(() => server.dispose());
  const get = (organization, headers) => server.dispatchFetch(`https://api.example.com/organizations/${organization}/notes`, { headers });
  const token = await issuer.token("org_acme"), bearer = { Authorization: `Bearer ${token}` };

  const together = await Promise.all(Array.from({ length: 30 }, () => get("org_acme", bearer)));
  assert.deepEqual([...new Set(together.map(({ status }) => status))].filter((status) => status !== 503), [200]);
  const before = asked;
  for (let i = 0; i < 20; i++) assert.equal((await get("org_acme", bearer)).status, 200);
  assert.equal(asked, before, "keys are kept between requests");

  const served = await get("acme", bearer);
  assert.deepEqual([await served.text(), served.headers.get("Tabard-Organization")], ["notes of org_acme", "org_acme"]);
  assert.equal((await get("org_globex", bearer)).status, 403);
  assert.equal((await get("org_acme", {})).status, 401);
  assert.equal((await get("org_acme", { Authorization: `Bearer ${await issuer.expired("org_acme")}` })).status, 401);
  assert.equal((await get("org_acme", { Authorization: `Bearer ${await issuer.foreign("org_acme")}` })).status, 401);

  const device = await issuer.device(), bound = await issuer.token("org_acme", { boundTo: device });
  const headers = await device.headers(bound, "GET", "https://api.example.com/organizations/org_acme/notes");
  assert.equal((await get("org_acme", headers)).status, 200);
  assert.equal((await get("org_acme", headers)).status, 401, "the proof again");

  await issuer.dedicate("org_globex");
  const own = { Authorization: `Bearer ${await issuer.token("org_globex")}` };
  assert.equal((await get("org_globex", own)).status, 200);
});

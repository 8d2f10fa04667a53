// @ts-nocheck
// The organization of an answer.
import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./open.js";
import { publish, set, settle } from "./stage.js";

const tokenOf = (organization) => `h.${Buffer.from(JSON.stringify({ org_id: organization, name: "Zoë?>~" })).toString("base64url")}.s`;

/** A client in Acme, at an API that answers with a header. A fresh origin each time: what one names is remembered. */
async function inAcme() {
  const api = `https://api-${Math.random().toString(36).slice(2)}.example`;
  const stage = set();
  const client = open({ apis: [api] });
  await settle();
  publish(stage, {});
  stage.module.token = (organization) => tokenOf(organization === "globex" ? "org_g" : "org_a");
  const answer = (named, status = 200, body = "theirs") => {
    stage.answer = () => Object.defineProperty(new Response(status === 204 ? null : body, { status, headers: named ? { "Tabard-Organization": named } : {} }), "url", { value: api + "/notes" });
  };
  return { stage, client, api, answer, ask: (...init) => client.fetch(api + "/notes", ...init) };
}

test("another organization's answer never reaches the page", async () => {
  const { client, api, answer, ask } = await inAcme();
  for (const status of [200, 204, 401, 403, 404, 500]) {
    answer("org_g", status);
    await assert.rejects(ask(), { name: "TabardError", code: "organization_mismatch", action: "stop" }, String(status));
    await assert.rejects(client.inOrganization("acme").fetch(api + "/notes"), { code: "organization_mismatch" });
    answer("org_a", status);
    assert.equal((await ask()).status, status);
  }
  answer("org_g");
  assert.equal(await (await client.inOrganization("globex").fetch(api + "/notes")).text(), "theirs");
});

test("an origin that names the organization has to name it always", async () => {
  const { answer, ask } = await inAcme();
  answer();
  assert.equal((await ask()).status, 200, "an API that never names it");
  answer("org_a", 403);
  assert.equal((await ask()).status, 403);
  answer();
  await assert.rejects(ask(), { code: "organization_unnamed", action: "stop" });
  answer(undefined, 502);
  assert.equal((await ask()).status, 502, "a proxy's error");
  answer("org_a");
  assert.equal((await ask()).status, 200);
});

test("a token that cannot be read is no organization's", async () => {
  const { stage, answer, ask } = await inAcme();
  for (const token of ["opaque", "a.b.c", "a.bnVsbA.c"]) {
    stage.module.token = () => token;
    answer("org_a");
    await assert.rejects(ask(), { code: "organization_mismatch" }, token);
  }
});

test("no cache answers unless the caller asks for one", async () => {
  const { stage, api, answer, client, ask } = await inAcme();
  answer("org_a");
  const sent = () => stage.requests.at(-1)[1].cache;
  await ask();
  assert.equal(sent(), "no-store");
  await ask({ cache: "no-cache" });
  assert.equal(sent(), "no-cache");
  await client.fetch(new Request(api + "/notes"));
  assert.equal(sent(), "no-store");
  await client.fetch(new Request(api + "/notes", { cache: "reload" }));
  assert.equal(sent(), "reload");
  await client.fetch("https://elsewhere.example/x");
  assert.equal(stage.requests.at(-1)[1], undefined, "a request without a token is the page's own");
});

test("the answer to the renewed token is compared too", async () => {
  const { stage, ask, api } = await inAcme();
  let asked = 0;
  stage.answer = () => Object.defineProperty(new Response("", { status: asked++ ? 200 : 401, headers: { "Tabard-Organization": asked === 1 ? "org_a" : "org_g" } }), "url", { value: api });
  await assert.rejects(ask(), { code: "organization_mismatch" });
  assert.equal(asked, 2);
});

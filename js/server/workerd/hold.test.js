// @ts-nocheck
// WebSockets on workerd, held by their tokens and by the feed of endings, which is read through a service binding.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { WebSocket } from "ws";

const worker = createRequire(new URL("../../../worker/package.json", import.meta.url));
const { build } = worker("esbuild");
const { Miniflare } = worker("miniflare");

const issuer = "https://app.example.com/auth", audience = "https://app.example.com/api", page = "https://app.example.com";

const api = `
import { createGuard, createVerifier } from "@tabard/server";
import { follow } from "@tabard/server/follow";
import { createHold } from "@tabard/server/hold";

let hold;
const start = ({ AUTH }) => {
  const verifier = createVerifier({ issuer: "${issuer}", audience: "${audience}", fetch: AUTH });
  const follower = follow({ verifier, key: "tbk_1", fetch: AUTH });
  return createHold(createGuard(verifier, { ended: follower.ended, ready: follower.ready }), { origins: ["${page}"], follower });
};
export default {
  fetch(request, env, context) {
    hold ??= start(env);
    const refused = hold.refuse(request);
    if (refused) return refused;
    const { 0: client, 1: socket } = new WebSocketPair();
    socket.accept();
    context.waitUntil(hold.accept(socket, request).then((held) => {
      held.addEventListener("message", ({ data }) => held.send(data + " of " + held.admission.organization));
      return new Promise((over) => held.addEventListener("close", over));
    }, () => {}));
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "tabard" } });
  },
};
`;

test("WebSockets on workerd", { timeout: 60_000 }, async (t) => {
  const { outputFiles: [{ text: script }] } = await build({
    stdin: { contents: api, resolveDir: fileURLToPath(new URL("..", import.meta.url)) }, bundle: true, format: "esm", write: false, conditions: ["workerd", "worker"],
  });
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const sign = (claims, typ) => new SignJWT({ iss: issuer, ...claims }).setProtectedHeader({ alg: "ES256", kid: "k1", typ }).sign(privateKey);
  const sets = {};
  let after = 1;
  const auth = async (request) => {
    if (!request.url.endsWith("/events/poll")) return Response.json({ keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256", use: "sig" }] });
    return Response.json((await request.json()).after === after ? { sets: {}, after, moreAvailable: false } : { sets, after, moreAvailable: false });
  };
  const server = new Miniflare({ modules: true, script, compatibilityDate: "2026-04-01", host: "127.0.0.1", port: 0, serviceBindings: { AUTH: auth } });
  t.after(() => server.dispose());
  const address = String(await server.ready).replace("http", "ws") + "live";
  const token = (sid, seconds) => {
    const now = Math.floor(Date.now() / 1000);
    return sign({ sub: "usr_1", aud: audience, iat: now, exp: now + seconds, jti: "j", client_id: "app", sid, org_id: "org_acme", org_slug: "acme", evt: 1 }, "at+jwt");
  };
  const next = (ws) => new Promise((resolve) => {
    ws.once("message", (data) => resolve(String(data)));
    ws.once("close", (code, reason) => resolve(`${code} ${reason}`));
  });
  const open = async (raw, origin = page) => {
    const ws = new WebSocket(address, "tabard", { origin });
    t.after(() => ws.terminate());
    await new Promise((opened, failed) => ws.once("open", opened).once("error", failed));
    ws.send(JSON.stringify({ tabard: { token: raw } }));
    return [ws, await next(ws)];
  };

  await assert.rejects(open("x", "https://evil.example"), /403/);
  assert.equal((await open("x"))[1], "4401 invalid_token malformed");

  const [live, accepted] = await open(await token("ses_1", 300));
  assert.equal(JSON.parse(accepted).tabard.organization, "org_acme");
  live.send("hello");
  assert.equal(await next(live), "hello of org_acme");

  const [short] = await open(await token("ses_2", 2)), began = Date.now();
  assert.equal(await next(short), "4401 invalid_token expired");
  assert.ok(Date.now() - began < 3000);

  const event = { jti: "end_2", iat: 1, aud: "key_1", evt: 2, sub_id: { format: "complex", session: { format: "opaque", id: "ses_1" } } };
  sets.end_2 = await sign({ ...event, events: { "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {} } }, "secevent+jwt");
  after = 2;
  const ended = Date.now();
  assert.equal(await next(live), "4401 invalid_token session_ended");
  t.diagnostic(`closed ${Date.now() - ended} ms after the ending`);
  assert.ok(Date.now() - ended < 2000);
});

// @ts-nocheck
// Express, Fastify, Hono and Next's route handlers, each over HTTP.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:http2";
import { test } from "node:test";

import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { etag } from "hono/etag";

import { protect as expressProtect, refuse as expressRefuse } from "../express.js";
import { protect as fastifyProtect, refuse as fastifyRefuse } from "../fastify.js";
import { protect as honoProtect } from "../hono.js";
import { protect as nextProtect } from "../next.js";
import { check, guard, issuer, rules } from "./api.js";

/** Serves on a free port and tries what is served. */
async function serve(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await check(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Serves a handler of Fetch requests. */
const fetchServer = (handler) => createServer(async (request, response) => {
  const headers = new Headers();
  for (let i = 0; i < request.rawHeaders.length; i += 2) headers.append(request.rawHeaders[i], request.rawHeaders[i + 1]);
  const answer = await handler(new Request(`http://${request.headers.host}${request.url}`, { method: request.method, headers }));
  response.writeHead(answer.status, [...answer.headers].flat());
  response.end(await answer.text());
});

test("Express", async () => {
  const app = express();
  app.get("/organizations/:organization/notes", expressProtect(guard, rules.notes), (request, response) => {
    response.set("ETag", '"1"').send(`notes of ${request.tabard.organization}`);
  });
  app.get("/rows/:row", expressProtect(guard, rules.row), async (request, response) => {
    await request.tabard.match(request.params.row);
    response.send("row");
  });
  app.post("/transfers", expressProtect(guard, rules.transfer), (_, response) => void response.send("done"));
  app.use(expressRefuse);
  await serve(createServer(app));
});

test("Fastify", async () => {
  const app = fastify();
  app.setErrorHandler(fastifyRefuse);
  app.get("/organizations/:organization/notes", { onRequest: fastifyProtect(guard, rules.notes) }, async (request, reply) => {
    reply.header("ETag", '"1"');
    if (request.headers["if-none-match"] === '"1"') return reply.code(304).send();
    return `notes of ${request.tabard.organization}`;
  });
  app.get("/rows/:row", { onRequest: fastifyProtect(guard, rules.row) }, async (request) => {
    await request.tabard.match(request.params.row);
    return "row";
  });
  app.post("/transfers", { onRequest: fastifyProtect(guard, rules.transfer) }, async () => "done");
  const injected = (headers) => app.inject({ url: "/rows/org_acme", headers }); // as tests of Fastify do
  const served = await injected({ authorization: `Bearer ${await issuer.token("org_acme")}` });
  assert.deepEqual([served.statusCode, served.headers["tabard-organization"]], [200, "org_acme"]);
  assert.equal((await injected({})).statusCode, 401);
  const origin = await app.listen({ port: 0, host: "127.0.0.1" });
  try {
    await check(origin);
  } finally {
    await app.close();
  }
});

test("Fastify over HTTP/2", async () => {
  const app = fastify({ http2: true });
  app.get("/rows/:row", { onRequest: fastifyProtect(guard, rules.row) }, async (request) => request.tabard.organization);
  const session = connect(await app.listen({ port: 0, host: "127.0.0.1" }));
  const get = async (headers) => {
    const stream = session.request({ ":path": "/rows/1", ...headers });
    const [answer] = await once(stream, "response");
    stream.resume();
    return [answer[":status"], answer["tabard-organization"]];
  };
  try {
    assert.deepEqual(await get({ authorization: `Bearer ${await issuer.token("org_acme")}` }), [200, "org_acme"]);
    assert.deepEqual(await get({}), [401, undefined]);
  } finally {
    session.destroy();
    await app.close();
  }
});

test("Hono", async () => {
  const app = new Hono();
  app.get("/organizations/:organization/notes", honoProtect(guard, rules.notes), etag(), (c) => {
    c.header("ETag", '"1"');
    return c.text(`notes of ${c.get("tabard").organization}`);
  });
  app.get("/rows/:row", honoProtect(guard, rules.row), async (c) => {
    await c.get("tabard").match(c.req.param("row"));
    return c.text("row");
  });
  app.post("/transfers", honoProtect(guard, rules.transfer), (c) => c.text("done"));
  await serve(fetchServer((request) => app.fetch(request)));
});

test("Next's route handlers, and plain Fetch handlers", async () => {
  const notes = nextProtect(guard, { ...rules.notes, route: "/organizations/[organization]/notes" }, (request, { tabard }) => {
    const fresh = request.headers.get("If-None-Match") === '"1"';
    return new Response(fresh ? null : `notes of ${tabard.organization}`, { status: fresh ? 304 : 200, headers: { ETag: '"1"' } });
  });
  const row = nextProtect(guard, rules.row, async (_, { tabard, params }) => {
    await tabard.match((await params).row);
    return new Response("row");
  });
  const transfer = guard.protect(rules.transfer, () => new Response("done"));
  await serve(fetchServer((request) => {
    const [, folder, name] = new URL(request.url).pathname.split("/");
    if (folder === "organizations") return notes(request, { params: Promise.resolve({ organization: name }) });
    if (folder === "rows") return row(request, { params: Promise.resolve({ row: name }) });
    return transfer(request);
  }));
});

// @ts-check
// Notes on Fastify: ISSUER=https://app.example.com/auth AUDIENCE=https://app.example.com/api PORT=3000 node fastify.js

import fastify from "fastify";
import { createGuard, createVerifier, logTo } from "@tabard/server";
import { protect, refuse } from "@tabard/server/fastify";

import { Notes } from "./notes.js";

const { ISSUER = "", AUDIENCE = "", PORT = "3000", BASE_URL } = process.env;
const guard = createGuard(createVerifier({ issuer: ISSUER, audience: AUDIENCE }), { baseURL: BASE_URL, record: logTo() });
const notes = new Notes();

/** @param {any} request */
const organization = (request) => request.tabard.organization;

const app = fastify();
app.setErrorHandler(refuse);
app.register(async (scope) => {
  scope.addHook("onRequest", protect(guard, { organization: "organization" }));
  scope.get("/notes", async (request) => notes.list(organization(request)));
  scope.post("/notes", async (request, reply) => reply.code(201).send(notes.add(organization(request), /** @type {any} */ (request.body)?.text)));
  scope.get("/notes/:note", async (request, reply) => notes.find(organization(request), /** @type {any} */ (request.params).note) ?? reply.code(404).send());
  scope.delete("/notes/:note", async (request, reply) =>
    reply.code(notes.remove(organization(request), /** @type {any} */ (request.params).note) ? 204 : 404).send());
}, { prefix: "/organizations/:organization" });
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
console.log("serving");

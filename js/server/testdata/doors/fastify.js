// @ts-nocheck
// An API on Fastify: VECTORS=../../vectors PORT=3000 node fastify.js

import fastify from "fastify";

import { protect, refuse } from "../../fastify.js";
import { doors } from "./files.js";

const app = fastify();
app.setErrorHandler(refuse);
const onRequest = async (request, reply) => {
  const { guard, rule } = doors(request.headers["x-vector"]);
  await protect(guard, rule)(request, reply);
};
const serve = async (request) => {
  const { row } = doors(request.headers["x-vector"]);
  if (row) await request.tabard.match(row);
  return "served";
};
for (const path of ["/organizations/:organization/notes", "/organisations/:organisation/notes", "*"]) app.get(path, { onRequest }, serve);
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
console.log("serving");

// @ts-check
// Notes on Hono, as a Cloudflare Worker with the variables ISSUER and AUDIENCE and, where Tabard's Worker is in the same zone, the
// service binding AUTH to it. Notes are kept in the isolate's memory.

import { Hono } from "hono";
import { createGuard, createVerifier, logTo } from "@tabard/server";
import { protect } from "@tabard/server/hono";

import { Notes } from "./notes.js";

/** @import { Guard } from "@tabard/server" */

/** @type {Guard | undefined} */
let guard;
const notes = new Notes();

/** @type {Hono<{Bindings: {ISSUER: string, AUDIENCE: string, BASE_URL?: string, AUTH?: { fetch: typeof fetch }}, Variables: import("@tabard/server/hono").TabardVariables}>} */
const app = new Hono();
app.use("/organizations/:organization/*", (c, next) => {
  const { ISSUER, AUDIENCE, BASE_URL, AUTH } = c.env;
  guard ??= createGuard(createVerifier({ issuer: ISSUER, audience: AUDIENCE, fetch: AUTH }), { baseURL: BASE_URL, record: logTo() });
  return protect(guard, { organization: "organization" })(c, next);
});
app.get("/organizations/:organization/notes", (c) => c.json(notes.list(c.get("tabard").organization)));
app.post("/organizations/:organization/notes", async (c) => c.json(notes.add(c.get("tabard").organization, (await c.req.json()).text), 201));
app.get("/organizations/:organization/notes/:note", (c) => {
  const note = notes.find(c.get("tabard").organization, c.req.param("note"));
  return note ? c.json(note) : c.notFound();
});
app.delete("/organizations/:organization/notes/:note", (c) =>
  c.body(null, notes.remove(c.get("tabard").organization, c.req.param("note")) ? 204 : 404));

export default app;

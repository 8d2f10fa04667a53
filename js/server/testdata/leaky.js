// @ts-nocheck
// An API on Express that the package guards, with the leak that LEAK names, or none. The isolation kit looks for it.

import express from "express";

import { createGuard, createVerifier } from "../index.js";
import { protect, refuse } from "../express.js";
import { createLinks } from "../links.js";

const { ISSUER: issuer, AUDIENCE: audience, PORT: port, LEAK: leak = "" } = process.env;
const is = (name) => leak === name;
const guard = createGuard(createVerifier({ issuer, audience }));
const links = createLinks(guard, { keys: [new TextEncoder().encode("a key of links that has 32 bytes")] });
const rows = new Map(), exports = new Map(), cache = new Map(), loaded = new Map();
let current = "", made = 0;
process.on("unhandledRejection", () => {}); // as many services have it

const app = express();
app.use(express.json());
app.use((request, response, next) => {
  if (!is("a cache before the guard knows addresses only") || request.method !== "GET") return next();
  if (cache.has(request.originalUrl)) return response.json(cache.get(request.originalUrl));
  const json = response.json.bind(response);
  response.json = (value) => (response.statusCode === 200 && cache.set(request.originalUrl, value), json(value));
  next();
});
if (is("the guard comes after the route")) app.get("/search", (request, response) => response.json(all(String(request.query.organization ?? ""))));
app.use("/organizations/:organization", protect(guard, is("the rule does not name the path's organization") ? {} : { organization: "organization" }));
app.get("/notes/:note/raw", protect(links), (request, response) => {
  const row = rows.get(request.params.note);
  if (!row || (row.organization !== request.tabard.organization && !is("a link is made to any row"))) return response.sendStatus(404);
  response.send(row.text);
});
if (is("an old address is not guarded")) app.get("/v1/notes/:note", (request, response) => response.json(rows.get(request.params.note) ?? {}));
app.use(protect(guard));
app.use((request, _, next) => {
  if (!is("a module's variable keeps the organization")) return next();
  current = request.tabard.organization;
  setTimeout(next, 5); // a query
});

const own = (request) => {
  if (is("a module's variable keeps the organization")) return current;
  if (is("a header decides, for support")) return request.get("X-Organization-Id") ?? request.tabard.organization;
  if (is("the rule does not name the path's organization")) return request.params.organization ?? request.tabard.organization;
  return request.tabard.organization;
};
const shown = ({ id, text }) => ({ id, text });
const all = (organization) => [...rows.values()].filter((row) => !organization || row.organization === organization).map(shown);
const add = (row) => {
  const id = `n${++made}${crypto.randomUUID()}`;
  rows.set(id, { ...row, id });
  return rows.get(id);
};

/** The note of the path, or undefined after an answer. */
async function noteOf(request, response) {
  const row = is("a loader keeps rows of all requests") ? loaded.get(request.params.note) ?? rows.get(request.params.note) : rows.get(request.params.note);
  if (row && (is("a row is found by its id alone") || (is("a loader keeps rows of all requests") && loaded.has(row.id)))) return row;
  if (row && is("match is not awaited")) {
    request.tabard.match(row.organization);
    return row;
  }
  if (row?.organization === own(request)) {
    loaded.set(row.id, row);
    return row;
  }
  response.status(404).json({ error: "there is no such note", ...(is("a refusal has the row") && row && { row }) });
}

app.get("/organizations/:organization/notes", (request, response) => {
  let of = own(request);
  if (is("the query is spread over the filter")) ({ organization: of } = { organization: of, ...request.query });
  if (is("the cursor names the organization") && request.query.after) [of] = Buffer.from(String(request.query.after), "base64url").toString().split(" ");
  response.json({ notes: all(of), next: `${request.baseUrl}/organizations/${request.params.organization}/notes?after=${Buffer.from(`${of} 1`).toString("base64url")}` });
});
app.post("/organizations/:organization/notes", (request, response) => {
  const { text, organization } = request.body ?? {};
  if (is("texts are unique among everybody") && [...rows.values()].some((row) => row.text === text)) return response.status(409).json({ error: "taken" });
  const row = add({ organization: own(request), text: String(text), ...(is("the body is spread over the row") && organization && { organization: String(organization) }) });
  response.status(201).json(shown(row));
});
app.get("/notes/:note", async (request, response) => {
  const row = await noteOf(request, response);
  if (row) response.json(shown(row));
});
app.put("/notes/:note", async (request, response) => {
  const text = String(request.body?.text), found = rows.get(request.params.note);
  if (found && is("the row is changed before it is compared")) found.text = text;
  const row = await noteOf(request, response);
  if (row) {
    row.text = text;
    response.sendStatus(204);
  }
});
app.delete("/notes/:note", async (request, response) => {
  const row = await noteOf(request, response);
  if (row) {
    rows.delete(row.id);
    response.sendStatus(204);
  }
});
app.get("/search", (request, response) => {
  const of = is("a misspelled name is undefined, and that is everybody") ? request.tabard.organisation : own(request);
  response.json(all(of).filter(({ text }) => text.includes(String(request.query.q ?? ""))));
});
app.post("/notes/batch", (request, response) => {
  const found = (Array.isArray(request.body?.ids) ? request.body.ids : []).map((id) => rows.get(id)).filter(Boolean);
  const mine = (row) => row.organization === own(request);
  if (is("some row of a batch is enough") && found.some(mine)) return response.json(found.map(shown));
  response.json(found.filter(mine).map(shown));
});
app.post("/notes/:note/copy", async (request, response) => {
  const found = rows.get(request.params.note);
  const row = found && is("a copy takes a foreign row") ? found : await noteOf(request, response);
  if (row) response.status(201).json({ copy: add({ organization: own(request), text: row.text }).id });
});
app.post("/notes/:note/link", async (request, response) => {
  if (!is("a link is made to any row") && !(await noteOf(request, response))) return;
  const link = await links.make(request.tabard, "GET", `/notes/${encodeURIComponent(request.params.note)}/raw`);
  response.status(201).location(link).json({ link });
});
app.post("/exports", (request, response) => {
  const organization = own(request), id = crypto.randomUUID();
  exports.set(id, { organization, notes: all(is("an export has everybody's rows") ? "" : organization) });
  response.status(202).location(`/exports/${id}`).json({ export: `/exports/${id}` });
});
app.get("/exports/:export", (request, response) => {
  const found = exports.get(request.params.export);
  if (!found || (found.organization !== own(request) && !is("an export has no owner"))) return response.sendStatus(404);
  response.json(found.notes);
});
app.get("/stats", (request, response) => {
  response.json({ notes: all(is("the statistics count everybody's rows") ? "" : own(request)).length });
});
app.use(refuse);
app.listen(Number(port), "127.0.0.1", () => console.log("serving"));

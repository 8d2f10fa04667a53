// @ts-check
// Notes on Express: ISSUER=https://app.example.com/auth AUDIENCE=https://app.example.com/api PORT=3000 node express.js

import express from "express";
import { createGuard, createVerifier, logTo } from "@tabard/server";
import { protect, refuse } from "@tabard/server/express";

import { Notes } from "./notes.js";

const { ISSUER = "", AUDIENCE = "", PORT = "3000", BASE_URL } = process.env;
const guard = createGuard(createVerifier({ issuer: ISSUER, audience: AUDIENCE }), { baseURL: BASE_URL, record: logTo() });
const ofPath = protect(guard, { organization: "organization" });
const notes = new Notes();

/** @param {express.Request} request */
const organization = (request) => request.tabard?.organization ?? "";

const app = express();
app.disable("x-powered-by");
app.route("/organizations/:organization/notes")
  .get(ofPath, (request, response) => void response.json(notes.list(organization(request))))
  .post(ofPath, express.json(), (request, response) => void response.status(201).json(notes.add(organization(request), request.body.text)));
app.route("/organizations/:organization/notes/:note")
  .get(ofPath, (request, response) => {
    const note = notes.find(organization(request), String(request.params.note));
    if (note) response.json(note);
    else response.status(404).end();
  })
  .delete(ofPath, (request, response) => void response.status(notes.remove(organization(request), String(request.params.note)) ? 204 : 404).end());
app.use(refuse);
app.listen(Number(PORT), "127.0.0.1", () => console.log("serving"));

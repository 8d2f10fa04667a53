// @ts-nocheck
// An API on Hono, as a Cloudflare Worker.

import { Hono } from "hono";

import { protect } from "../../hono.js";
import requests from "../../vectors/requests.json";
import tokens from "../../vectors/tokens.json";
import { createDoors } from "./doors.js";

const doors = createDoors(tokens, requests);
const app = new Hono();
for (const path of ["/organizations/:organization/notes", "/organisations/:organisation/notes", "*"]) {
  app.all(path, (c, next) => {
    const { guard, rule } = doors(c.req.header("X-Vector"));
    return protect(guard, rule)(c, next);
  }, async (c) => {
    const { row } = doors(c.req.header("X-Vector"));
    if (row) await c.get("tabard").match(row);
    return c.text("served");
  });
}
export default app;

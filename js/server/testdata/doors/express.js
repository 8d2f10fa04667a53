// @ts-nocheck
// An API on Express: VECTORS=../../vectors PORT=3000 node express.js

import express from "express";

import { protect, refuse } from "../../express.js";
import { doors } from "./files.js";

const app = express();
const door = (request, response, next) => {
  const { guard, rule, row } = doors(request.get("X-Vector"));
  protect(guard, rule)(request, response, async (error) => {
    if (error) return next(error);
    try {
      if (row) await request.tabard.match(row);
      response.send("served");
    } catch (error) {
      next(error);
    }
  });
};
app.all("/organizations/:organization/notes", door);
app.all("/organisations/:organisation/notes", door);
app.all("/{*rest}", door);
app.use(refuse);
app.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("serving"));

// Next may load a module once for each route.
import { createDoors } from "./shared.js";
import requests from "./requests.json";
import tokens from "./tokens.json";
import { protect } from "@tabard/server/next";

const doors = () => (globalThis.doors ??= createDoors(tokens, requests));

export const GET = (request, context) => {
  const { guard, rule, row } = doors()(request.headers.get("X-Vector"));
  return protect(guard, rule, async (_, { tabard }) => {
    if (row) await tabard.match(row);
    return new Response("served");
  })(request, context);
};

// @ts-nocheck
// Clients for tests, closed after each.

import { afterEach, mock } from "node:test";

import { createClient } from "../index.js";

// The parts that the client loads when they are used are loaded by now, as a second time:
// tests await turns of the event loop, not files.
const parts = ["calls", "refusals", "ending", "accounts", "stepup", "window", "signin", "acting", "connect", "lend", "returnto", "debug", "origins", "causes", "network", "wrapped", "silence", "assets", "question", "asked", "checked", "early"];
await Promise.all(parts.map((name) => import(`../src/${name}.js`)));

let clients = [];
/** A client whose module is loaded anew: clients at one address share it. */
export const open = (options) => {
  const module = `https://app.example/module.json?${Math.random()}`;
  const client = createClient({ backend: "/auth", module, ...options });
  clients.push(client);
  return client;
};

afterEach(() => {
  clients.forEach((client) => client.close());
  clients = [];
  mock.restoreAll();
  mock.timers.reset();
  delete globalThis.document;
});

// @ts-nocheck
// Serves the example Worker on workerd, or that of ENTRY: ISSUER, AUDIENCE and PORT are variables. It ends with standard input.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const worker = createRequire(new URL("../../../worker/package.json", import.meta.url));
const { build } = worker("esbuild");
const { Miniflare } = worker("miniflare");

const { ISSUER, AUDIENCE, PORT, ENTRY = "../examples/worker.js" } = process.env;
const { outputFiles: [{ text: script }] } = await build({
  entryPoints: [fileURLToPath(new URL(ENTRY, import.meta.url))],
  bundle: true, format: "esm", write: false, conditions: ["workerd", "worker"],
});
const server = new Miniflare({
  modules: true, script, compatibilityDate: "2026-04-01", host: "127.0.0.1", port: Number(PORT), bindings: { ISSUER, AUDIENCE },
});
await server.ready;
console.log("serving");
process.stdin.resume().on("end", async () => {
  await server.dispose();
  process.exit();
});

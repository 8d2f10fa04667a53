// Runs a Worker on workerd until standard input ends. The first line of input is
// the options as JSON; the first line of output tells that it serves.
import { createInterface } from "node:readline";
import { Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";

const input = createInterface({ input: process.stdin });
const { value: line } = await input[Symbol.asyncIterator]().next();
const options = JSON.parse(line);

const { workerOptions } = unstable_getMiniflareWorkerOptions(options.config);
const worker = new Miniflare({
  ...workerOptions,
  // Miniflare's assets hide the scheduled handler; only the Worker itself needs them.
  assets: options.entry === "entry.mjs" ? { ...workerOptions.assets, ...(options.assets && { directory: options.assets }) } : undefined,
  host: "127.0.0.1",
  port: options.port,
  inspectorPort: options.inspector || undefined,
  rootPath: options.root,
  modules: true,
  scriptPath: options.entry,
  modulesRoot: options.root,
  modulesRules: [
    { type: "ESModule", include: ["**/*.mjs", "**/*.js"] },
    { type: "CompiledWasm", include: ["**/*.wasm"] },
  ],
  bindings: { ...workerOptions.bindings, ...options.variables },
  defaultPersistRoot: options.state,
  ratelimits: Object.fromEntries(
    Object.entries(workerOptions.ratelimits).map(([name, { simple }]) => [
      name,
      { simple: { ...simple, limit: options.limits?.[name] ?? 1_000_000 } },
    ]),
  ),
  ...(options.noDatabase && { d1Databases: [] }),
  r2Buckets: options.buckets ?? [],
  d1Persist: options.state === undefined ? false : `${options.state}/v3/d1`,
  unsafeTriggerHandlers: true,
});
process.stdin.on("end", async () => {
  await worker.dispose();
  process.exit();
});
await worker.ready;
console.log("serving");

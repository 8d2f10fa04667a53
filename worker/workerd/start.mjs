// Runs a Worker on workerd until standard input ends. The first line of input is
// the options as JSON; the first line of output tells that it serves.
import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// To import it would have Node parse all of it for the names that it exports: a quarter of a second.
const { Miniflare } = createRequire(import.meta.url)("miniflare");

const input = createInterface({ input: process.stdin });
const { value: line } = await input[Symbol.asyncIterator]().next();
const options = JSON.parse(line);

/**
 * What wrangler makes of a configuration. It is kept in the folder of the build, for each
 * configuration and release: to load wrangler takes half a second of processor time.
 */
async function configured(config, root) {
  const release = await readFile(`${root}/node_modules/wrangler/package.json`);
  const digest = createHash("sha256").update(config).update(await readFile(config)).update(release).digest("hex");
  const kept = `${root}/build/options-${digest.slice(0, 16)}.json`;
  const text = await readFile(kept, "utf8").catch(() => undefined);
  if (text) return JSON.parse(text);
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  await writeFile(`${kept}.${process.pid}`, JSON.stringify(workerOptions));
  await rename(`${kept}.${process.pid}`, kept);
  return workerOptions;
}

/**
 * Lets a large buffer grow by megabytes. Miniflare encodes its configuration, with the program of
 * 18 MB in it, in a buffer that it replaces by a copy for each 4 KiB that follow: a second of
 * processor time.
 */
function growByMegabytes() {
  const large = 4 << 20;
  let last = 0;
  globalThis.ArrayBuffer = class extends ArrayBuffer {
    constructor(length, ...rest) {
      const grows = length > large && length >= last + 4096; // the encoded message is shorter
      super(grows ? length + large : length, ...rest);
      if (length > large) last = this.byteLength;
    }
  };
}

growByMegabytes();
const workerOptions = await configured(options.config, options.root);
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

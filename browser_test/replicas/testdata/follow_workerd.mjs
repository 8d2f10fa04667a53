// The follower of follow.mjs in a Worker on workerd, which reads the feed when a request comes. It is asked about each token
// again and again, as an API is.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const worker = createRequire(new URL("../../../worker/package.json", import.meta.url));
const { build } = worker("esbuild");
const { Miniflare } = worker("miniflare");

const api = `
import { createVerifier } from "@tabard/server";
import { follow } from "@tabard/server/follow";
let follower;
export default { async fetch(request, { issuer, audience, key, addresses }) {
  follower ??= follow({ verifier: createVerifier({ issuer, audience }), key, addresses });
  try {
    await follower.ready();
  } catch (error) {
    return new Response(String(error), { status: 503 });
  }
  return Response.json((await request.json()).filter(([, { claims }]) => follower.ended(claims)).map(([number]) => number));
} };
`;

const [issuer, audience, key, ...addresses] = process.argv.slice(2);
const { outputFiles: [{ text: script }] } = await build({
  stdin: { contents: api, resolveDir: fileURLToPath(new URL("../../../js/server", import.meta.url)) }, bundle: true, format: "esm", write: false, conditions: ["workerd", "worker"],
});
const server = new Miniflare({ modules: true, script, compatibilityDate: "2026-04-01", host: "127.0.0.1", bindings: { issuer, audience, key, addresses } });
const waiting = new Map();
const ask = async () => {
  const answer = await server.dispatchFetch("https://api.example.com/", { method: "POST", body: JSON.stringify([...waiting]) });
  const said = await answer.text();
  if (answer.status !== 200) console.error(said);
  return answer.status === 200 ? JSON.parse(said) : undefined;
};
while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 20));
console.log("ready");
let number = 0, over = false;
createInterface({ input: process.stdin }).on("line", (line) => waiting.set(number++, JSON.parse(line))).on("close", () => (over = true));
while (!over) {
  for (const ended of (waiting.size > 0 && (await ask())) || []) {
    waiting.delete(ended);
    console.log(ended);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await server.dispose();
process.exit();

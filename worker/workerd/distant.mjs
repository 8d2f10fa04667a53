import worker from "../entry.mjs";
import { withLatency } from "./latency.mjs";

// The Worker whose database is as far away as LATENCY says. /exported tells what its bucket has.
export default {
  ...worker,
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/exported") return exported(env.AUDIT);
    return worker.fetch(request, withLatency(env), ctx);
  },
};

async function exported(bucket) {
  const { objects } = await bucket.list();
  const texts = objects.map(async ({ key }) => [key, await (await bucket.get(key)).text()]);
  return Response.json(Object.fromEntries(await Promise.all(texts)));
}

import { peakBytes, started } from "../workerd/memories.mjs";
import program from "../build/smoke.wasm";
import { Pool } from "../pool.mjs";
import { parse } from "../request.mjs";

// One event at a time, so that every request meets what the one before it left, unless LIMITS
// says otherwise, and memory enough for what is given up meanwhile. Only what hangs takes as
// long as an event may, however busy the machine is.
let pool;
const poolOf = (env) => (pool ??= new Pool(program, { events: 1, uses: 50, budget: 1 << 30, event: 5000, patience: 30_000, ...JSON.parse(env.LIMITS ?? "{}") }));

export default {
  fetch(request, env, ctx) {
    const { waiting } = poolOf(env);
    if (new URL(request.url).pathname === "/state") return Response.json({ waiting, started: started(), bytes: peakBytes() });
    // The platform ends an event whose client left and that nobody has it wait for.
    const lost = { waitUntil() {} };
    return pool.fetch(parse(request, env), env, new URL(request.url).searchParams.has("lost") ? lost : ctx);
  },
  scheduled: (_, env, ctx) => poolOf(env).scheduled(env, ctx),
};

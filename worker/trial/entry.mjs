import program from "../build/trial.wasm";
import { Pool } from "../pool.mjs";

// One instance, so that every request meets what the one before it left. Only what hangs
// takes as long as an event may, however busy the machine is.
const pool = new Pool(program, { instances: 1, uses: 50, event: 5000, patience: 30_000 });

export default {
  fetch: (request, env, ctx) => pool.fetch(request, env, ctx),
  scheduled: (_, env, ctx) => pool.scheduled(env, ctx),
};

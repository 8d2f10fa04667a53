import program from "../build/trial.wasm";
import { Pool } from "../pool.mjs";

// One instance, so that every request meets what the one before it left.
const pool = new Pool(program, { instances: 1, uses: 50, event: 500, patience: 3000 });

export default {
  fetch: (request, env, ctx) => pool.fetch(request, env, ctx),
  scheduled: (_, env, ctx) => pool.scheduled(env, ctx),
};

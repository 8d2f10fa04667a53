import program from "../build/tabard.wasm";
import { Pool } from "../pool.mjs";

// The Worker for crowds: an event waits for an instance until there is one, however slow
// the machine is.
const pool = new Pool(program, { patience: 600_000 });

export default {
  fetch: (request, env, ctx) => pool.fetch(request, env, ctx),
  scheduled: (_, env, ctx) => pool.scheduled(env, ctx),
};

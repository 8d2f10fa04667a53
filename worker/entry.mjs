import program from "./build/tabard.wasm";
import { clientFile } from "./client.mjs";
import { exceeded } from "./limits.mjs";
import { Pool } from "./pool.mjs";

const pool = new Pool(program);

export default {
  fetch: async (request, env, ctx) => clientFile(request, env) ?? (await exceeded(request, env)) ?? pool.fetch(request, env, ctx),
  scheduled: (_, env, ctx) => pool.scheduled(env, ctx),
};

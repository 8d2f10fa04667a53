import program from "./build/tabard.wasm";
import { clientFile } from "./client.mjs";
import { Pool } from "./pool.mjs";

const pool = new Pool(program);

export default {
  fetch: (request, env, ctx) => clientFile(request, env) ?? pool.fetch(request, env, ctx),
  scheduled: (_, env, ctx) => pool.scheduled(env, ctx),
};

import program from "./build/tabard.wasm";
import { clientFile } from "./client.mjs";
import { checkLimits } from "./limits.mjs";
import { Pool } from "./pool.mjs";
import { parse } from "./request.mjs";

const pool = new Pool(program);

export default {
  async fetch(request, env, ctx) {
    const parsed = parse(request, env);
    return clientFile(parsed, env) ?? (await checkLimits(parsed, env)) ?? pool.fetch(parsed, env, ctx);
  },
  scheduled: (_, env, ctx) => pool.scheduled(env, ctx),
};

import program from "./build/tabard.wasm";
import { clientFile } from "./client.mjs";
import { checkLimits } from "./limits.mjs";
import { isPoll, poll } from "./poll.mjs";
import { Pool } from "./pool.mjs";
import { parse } from "./request.mjs";
import { checkRoom } from "./room.mjs";

const pool = new Pool(program);

export default {
  async fetch(request, env, ctx) {
    const parsed = parse(request, env);
    const answered = clientFile(parsed, env) ?? (await checkLimits(parsed, env));
    if (answered !== undefined) return answered;
    const ask = (asked) => pool.fetch(asked, env, ctx);
    return isPoll(parsed) ? poll(parsed, env, ask) : ask(parsed);
  },
  async scheduled(_, env, ctx) {
    const outcomes = await Promise.allSettled([pool.scheduled(env, ctx), checkRoom(env)]);
    for (const { reason } of outcomes) if (reason !== undefined) throw reason;
  },
};

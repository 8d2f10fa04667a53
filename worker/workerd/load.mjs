import { liveBytes, peakBytes, started } from "./memories.mjs";
import program from "../build/tabard.wasm";
import { Pool } from "../pool.mjs";
import { parse } from "../request.mjs";
import { roundTrips, withLatency } from "./latency.mjs";

// The Worker for crowds: an event waits for a place until there is one, and has time, however
// slow the machine is. Its database is as far away as LATENCY says, and /most-memory tells how
// much memory the programs had together at the most.
const pool = new Pool(program, { event: 60_000, patience: 600_000 });

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/most-memory") return new Response(String(peakBytes()));
    if (pathname === "/started") return new Response(String(started()));
    if (pathname === "/round-trips") return new Response(String(roundTrips()));
    const answer = await pool.fetch(parse(request, env), withLatency(env), ctx);
    liveBytes();
    return answer;
  },
  scheduled: (_, env, ctx) => pool.scheduled(env, ctx),
};

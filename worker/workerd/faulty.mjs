import program from "../build/tabard.wasm";
import { Pool } from "../pool.mjs";
import { parse } from "../request.mjs";

// The Worker on a database that fails as POST /fault says: "drop" loses the reply
// of the round trip after `skip` others, which has its effect; "hang" never
// answers; "slow" takes its time. The read of the epoch, which some request has beside its own
// statements, is not counted.
const pool = new Pool(program, { event: 5000 });
let fault = { kind: "none", skip: 0 };

async function trip(run) {
  const { kind, skip } = fault;
  if (kind !== "none" && skip > 0) fault = { kind, skip: skip - 1 };
  if (kind === "none" || skip > 0) return run();
  fault = { kind: "none", skip: 0 };
  const answer = await run();
  if (kind === "hang") await new Promise(() => {});
  if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, 300));
  if (kind === "drop") throw new Error("D1_ERROR: Network connection lost.");
  return answer;
}

function faulty(statement, sql) {
  const run = (method, args) => (sql.includes("current_epoch") ? statement[method](...args) : trip(() => statement[method](...args)));
  return {
    statement,
    bind: (...args) => faulty(statement.bind(...args), sql),
    run: (...args) => run("run", args),
    raw: (...args) => run("raw", args),
  };
}

const withFaults = (env) => {
  const batch = (all) => trip(() => env.DB.batch(all.map(({ statement }) => statement)));
  return { ...env, DB: { prepare: (sql) => faulty(env.DB.prepare(sql), sql), batch } };
};

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/fault") {
      fault = await request.json();
      return new Response(null, { status: 204 });
    }
    return pool.fetch(parse(request, env), withFaults(env), ctx);
  },
  scheduled: (_, env, ctx) => pool.scheduled(withFaults(env), ctx),
};

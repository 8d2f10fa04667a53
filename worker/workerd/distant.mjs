import worker from "../entry.mjs";
import { withLatency } from "./latency.mjs";

// The Worker whose database is as far away as LATENCY says.
export default { ...worker, fetch: (request, env, ctx) => worker.fetch(request, withLatency(env), ctx) };

import { liveBytes, peakBytes, started } from "../workerd/memories.mjs";
import { withLatency } from "../workerd/latency.mjs";
import worker from "../entry.mjs";

// The Worker, with its database as far away as LATENCY says, and beside it what the
// platform alone costs: an answer, and one read of the database; and how much memory the
// programs have, now and at the most.
export default {
  async fetch(request, env, ctx) {
    switch (new URL(request.url).pathname) {
      case "/platform":
        return new Response("ok");
      case "/read":
        return Response.json(await env.DB.prepare("SELECT * FROM organizations WHERE slug = ?1").bind("acme").raw());
      case "/memory":
        return new Response(String(liveBytes()));
      case "/most-memory":
        return new Response(String(peakBytes()));
      case "/started":
        return new Response(String(started()));
    }
    const answer = await worker.fetch(request, withLatency(env), ctx);
    liveBytes();
    return answer;
  },
};

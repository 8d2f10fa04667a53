import worker from "../entry.mjs";

// The Worker, and beside it what the platform alone costs: an answer, and one
// read of the database.
export default {
  async fetch(request, env, ctx) {
    switch (new URL(request.url).pathname) {
      case "/platform":
        return new Response("ok");
      case "/read":
        return Response.json(await env.DB.prepare("SELECT * FROM organizations WHERE slug = ?1").bind("acme").raw());
    }
    return worker.fetch(request, env, ctx);
  },
};

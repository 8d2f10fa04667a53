import worker from "../entry.mjs";

/** The memories of all programs that were started and not yet collected. */
const memories = new Set();
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...given) => {
  const instance = await instantiate(...given);
  memories.add(new WeakRef(instance.exports.mem));
  return instance;
};

// The Worker, and beside it what the platform alone costs: an answer, and one
// read of the database; and how much memory the programs have.
export default {
  async fetch(request, env, ctx) {
    switch (new URL(request.url).pathname) {
      case "/platform":
        return new Response("ok");
      case "/read":
        return Response.json(await env.DB.prepare("SELECT * FROM organizations WHERE slug = ?1").bind("acme").raw());
      case "/memory": {
        const alive = [...memories].map((memory) => memory.deref()).filter(Boolean);
        return new Response(String(alive.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)));
      }
    }
    return worker.fetch(request, env, ctx);
  },
};

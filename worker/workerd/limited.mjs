import worker from "../entry.mjs";

// The Worker with rate limits that fail where a request says so in Fault: at once
// ("throw") or later ("reject"). The answer tells how often they were asked.
export default {
  async fetch(request, env, ctx) {
    let asked = 0;
    const counted = ({ limit }, binding) => ({
      limit: (what) => {
        asked++;
        const fault = request.headers.get("Fault");
        if (fault === "throw") throw new Error("the binding is gone");
        return fault === "reject" ? Promise.reject(new Error("the binding is gone")) : limit.call(binding, what);
      },
    });
    const names = ["PER_ADDRESS", "SIGN_INS", "PER_SESSION"];
    const limits = Object.fromEntries(names.map((name) => [name, counted(env[name], env[name])]));
    const answer = await worker.fetch(request, { ...env, ...limits }, ctx);
    const told = new Response(answer.body, answer);
    told.headers.set("Asked", String(asked));
    return told;
  },
};

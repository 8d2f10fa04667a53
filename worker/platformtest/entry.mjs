import "../build/wasm_exec.js";
import program from "../build/platformtest.wasm";
import { Event } from "../event.mjs";

// Runs the compiled tests in one event and answers with what they printed, and
// with their exit code in a header.
export default {
  async fetch(_, env) {
    const go = new globalThis.Go();
    go.argv = ["platformtest", "-test.v"];
    const decoder = new TextDecoder();
    let printed = "";
    globalThis.fs.writeSync = (_, bytes) => {
      printed += decoder.decode(bytes, { stream: true });
      return bytes.length;
    };
    const binding = {};
    const reply = (_, ...values) => binding.replied(...values);
    const event = new Event({ reply, nextTimer: Infinity, runTimers() {} }, { env, life: 600_000 });
    globalThis.context = { env, binding, post: (_, what, ...args) => event.post(what, args) };
    event.serve();
    const ended = new Promise((resolve) => (go.exit = resolve));
    go.run(await WebAssembly.instantiate(program, go.importObject));
    const code = await ended;
    return new Response(printed, { headers: { "Exit-Code": String(code) } });
  },
};

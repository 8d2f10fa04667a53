import "../build/wasm_exec.js";
import program from "../build/platformtest.wasm";
import { Statements } from "../d1.mjs";

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
    const statements = new Statements(env.DB, (...answer) => binding.answered(...answer));
    globalThis.context = { env, binding, ask: (number, text) => statements.ask(number, text) };
    const ended = new Promise((resolve) => (go.exit = resolve));
    go.run(await WebAssembly.instantiate(program, go.importObject));
    const code = await ended;
    return new Response(printed, { headers: { "Exit-Code": String(code) } });
  },
};

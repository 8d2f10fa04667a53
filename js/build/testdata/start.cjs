// Starts the module in a page of which a start needs little, with an empty storage, and ends
// once the module has handed out its functions: node start.cjs MODULE WASM_EXEC
const fs = require("node:fs");

const [, , wasm, exec] = process.argv;
(0, eval)(fs.readFileSync(exec, "utf8"));
const storage = { getItem: () => null, setItem() {}, removeItem() {} };
Object.assign(globalThis, { location: { origin: "https://app.example.com" }, sessionStorage: storage, localStorage: storage, indexedDB: {} });
Object.defineProperty(globalThis, "navigator", { value: { locks: {} } });
globalThis.__tabard = {
  options: { backend: "https://app.example.com/auth", key: "tabard", organization: "acme" },
  ready(functions) {
    fs.writeSync(1, `ready, token is a ${typeof functions.token}\n`);
    process.exit(0);
  },
};
WebAssembly.compile(fs.readFileSync(wasm)).then(async (compiled) => {
  const go = new Go();
  await go.run(await WebAssembly.instantiate(compiled, go.importObject));
});

// @ts-nocheck
// A stage for the face: the globals of a page, and a module made of plain
// functions in the place of the WebAssembly one.

import { mock } from "node:test";

export const key = "tabard:https://app.example/auth";
export const acme = { id: "org_a", slug: "acme", name: "Acme" };
export const globex = { id: "org_g", slug: "globex", name: "Globex" };
export const ada = { id: "usr_ada", name: "Ada", email: "", iss: "https://id.example", sub: "ada" };

/** A state as the module writes it. */
export const state = (changes = {}) => ({
  status: "active", fence: 1, organization: acme, user: ada, roles: [], permissions: [],
  organizations: null, error: null, deviceBound: false, idle: null, ...changes,
});

class Storage {
  items = new Map();
  getItem(name) {
    return this.items.get(name) ?? null;
  }
  setItem(name, value) {
    this.items.set(name, value);
  }
  removeItem(name) {
    this.items.delete(name);
  }
}

/** Puts a living token of Acme's into the tab's record. */
export function remember({ record = {}, held = {}, epoch = "ses_1.x" } = {}) {
  const minted = Date.now() - 10_000;
  const entry = { minted, until: minted + 295_000, answer: { access_token: "early", organization: acme }, ...held };
  sessionStorage.items.set(key, JSON.stringify({
    version: 1, epoch: "ses_1.x", organization: "org_a", held: [entry], state: state(), ...record,
  }));
  if (epoch !== null) localStorage.items.set(key + ":epoch", epoch);
}

/**
 * Sets the stage. The test's changes of `stage` are what the backend and the
 * module do.
 */
export function set({ href = "https://app.example/page" } = {}) {
  const stage = {
    /** Requests that left the page, as [url, init]. */
    requests: [],
    /** Whether somebody is signed in, which a page asks whose module is late, and how often it did. */
    stands: {},
    asked: 0,
    /** Answers them. */
    answer: () => new Response("ok"),
    /** The module's functions: name → (...args) => result, or throws JSON. */
    module: { token: () => "token" },
    calls: [],
    loads: true,
    hangs: false,
    givenUp: new Set(), // the signals of requests that hung and were given up
    /** The module and wasm_exec.js as they arrive: a text, or a function that returns it. */
    arrives: "",
    /** The address of wasm_exec.js. */
    exec: "data:text/javascript,",
    starts: 0,
    opened: [],
    /** The result of window.open. */
    popup: undefined,
    channels: [],
    errors: [],
  };
  const page = new EventTarget();
  Object.assign(globalThis, {
    document: Object.assign(new EventTarget(), {
      baseURI: href, hidden: false, createElement: () => ({}), querySelector: () => null, head: { append: (link) => queueMicrotask(link.onload) },
    }),
    window: Object.assign(page, { open: (...args) => (stage.opened.push(args.map(String)), stage.popup) }),
    location: Object.assign(new URL(href), { replace: (address) => (stage.left = address) }),
    history: { state: { scroll: 7 }, replaceState: (...args) => (stage.replaced = args) },
    sessionStorage: new Storage(),
    localStorage: new Storage(),
    reportError: (error) => stage.errors.push(error),
    BroadcastChannel: class {
      constructor() {
        stage.channel = this;
        stage.channels.push(this);
      }
      postMessage(message) {
        stage.sent = message;
      }
      close() {
        this.closed = true;
      }
    },
    Go: goOf(stage),
    fetch: (input, init) => {
      const url = String(input.url ?? input);
      if (stage.hangs) return new Promise((_, reject) => (init.signal.onabort = () => (stage.givenUp.add(init.signal), reject(init.signal.reason))));
      if (url.includes("module.json")) return manifest(stage);
      if (url.startsWith("data:")) return asset(stage);
      if (url.endsWith("/session?quiet=1") && init.credentials === "include") return stage.asked++, Promise.resolve(Response.json(stage.stands));
      stage.requests.push([input, init]);
      return init?.signal?.aborted ? Promise.reject(init.signal.reason) : Promise.resolve(stage.answer(input, init));
    },
  });
  WebAssembly.compileStreaming = async ({ body }) => (stage.compiled = await copied(body), {});
  WebAssembly.instantiate = async () => ({});
  mock.method(console, "error", () => {});
  return stage;
}

/** The text of a stream, each piece copied some time before the next is asked for, as browsers do. */
async function copied(body) {
  const pieces = [];
  const reader = body.getReader();
  for (let read; !(read = await reader.read()).done; ) {
    await new Promise(setImmediate);
    pieces.push(read.value.slice());
  }
  return Buffer.concat(pieces).toString();
}

/** The SHA-256 of no bytes. */
export const emptyDigest = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

async function manifest(stage) {
  if (!stage.loads) throw new TypeError("blocked");
  const empty = { url: "data:text/javascript,", integrity: "sha256-" + emptyDigest, bytes: 0 };
  return Response.json({ version: "0", wasm: empty, exec: { ...empty, url: stage.exec } });
}

const asset = async ({ arrives }) => new Response(typeof arrives === "function" ? arrives() : arrives);

/** A class in the place of wasm_exec.js's, which runs the stage's module. */
const goOf = (stage) =>
  class {
    importObject = {};
    _scheduledTimeouts = new Map();
    _resume() {
      if (stage.traps) throw new Error("unreachable");
    }
    run() {
      stage.starts++;
      stage.go = this;
      stage.host = { ...globalThis.__tabard, options: { ...globalThis.__tabard.options } };
      const call = (name) => (resolve, reject, ...args) => {
        stage.calls.push([name, ...args]);
        Promise.resolve()
          .then(() => stage.module[name]?.(...args) ?? "")
          .then(resolve, (problem) => reject(JSON.stringify(problem)));
      };
      const told = (name) => (...args) => void stage.calls.push([name, ...args]);
      stage.host.ready({
        ...Object.fromEntries(["token", "proof", "switch", "organizations", "endSession", "signOut", "signIn", "stepUp", "stepUpURL", "signedIn", "lead", "asked", "accounts", "switchAccount"].filter((n) => n !== stage.lacks).map((n) => [n, call(n)])),
        ...Object.fromEntries(["hear", "halt", "input", "look", "hide", "freeze", "thaw"].map((n) => [n, told(n)])),
        close: () => stage.exit(),
      });
      return new Promise((resolve) => {
        stage.exit = resolve;
      });
    }
  };

/** Lets everything that is under way happen, a digest in another thread too. */
export async function settle() {
  for (let i = 0; i < 40; i++) {
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await crypto.subtle.digest("SHA-256", new Uint8Array());
  }
}

/** The module's published states. */
export const publish = (stage, changes) => stage.host.changed(JSON.stringify(state(changes)));

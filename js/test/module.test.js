// @ts-nocheck
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { open } from "./open.js";
import { acme, emptyDigest, globex, key, publish, remember, set, settle, state } from "./stage.js";

test("a module that dies is started again, where the record stands", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set({ href: "https://app.example/?tabard_error=x" });
  const client = open({ organization: "acme" });
  await settle();
  publish(stage, {});
  const before = client.state;
  let released = false;
  stage.host.hold(() => (released = true));
  stage.module.token = () => new Promise(() => {});
  const pending = client.getToken();
  await settle();
  stage.exit();
  await assert.rejects(pending, { code: "temporarily_unavailable", action: "retry" });
  assert.ok(released, "the lock of the dead is released");
  assert.equal(client.state, before);

  mock.timers.tick(1000);
  await settle();
  assert.equal(stage.starts, 2);
  assert.equal(stage.host.options.organization, "");
  assert.equal(stage.host.options.arrival, "");
  stage.module.token = () => "anew";
  assert.equal(await client.getToken(), "anew");
});

test("a module that traps is started again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  open();
  await settle();
  let released = false;
  stage.host.hold(() => (released = true));
  stage.traps = true;
  stage.go._resume();
  await settle();
  assert.ok(released);
  stage.traps = false;
  mock.timers.tick(1000);
  await settle();
  assert.equal(stage.starts, 2);
});

test("P10 a module that was on its way when the page was put away is started when it is back", async () => {
  const stage = set();
  const arrives = WebAssembly.compileStreaming;
  let late;
  WebAssembly.compileStreaming = () => new Promise((resolve) => (late = resolve));
  const client = open();
  const token = client.getToken();
  await settle();
  window.dispatchEvent(new Event("pagehide"));
  WebAssembly.compileStreaming = arrives;
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await settle();
  assert.equal(await token, "token");
  late({}); // which comes after all
  await settle();
  assert.equal(stage.starts, 1);
});

test("P1 a page that is prerendered starts no module and shows nothing until it is seen", async () => {
  const stage = set();
  document.prerendering = true;
  remember();
  const client = open();
  const token = client.getToken();
  await settle();
  assert.equal(stage.starts, 0);
  assert.equal(client.state.status, "starting");
  remember({ record: { state: state({ fence: 9 }) } }); // the tab went on meanwhile
  document.prerendering = false;
  document.dispatchEvent(new Event("prerenderingchange"));
  assert.equal(client.state.fence, 9);
  await settle();
  assert.equal(stage.starts, 1);
  assert.equal(await token, "token");
});

test("a module that cannot be loaded is tried again, and the page is told meanwhile", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.loads = false;
  const client = open({ organization: "acme" });
  await settle();
  assert.equal(client.state.status, "unavailable");
  assert.deepEqual([client.state.error.code, client.state.error.action], ["temporarily_unavailable", "retry"]);
  stage.loads = true;
  mock.timers.tick(1000);
  await settle();
  assert.equal(stage.starts, 1);
  assert.equal(stage.host.options.organization, "acme");
  publish(stage, {});
  assert.equal(client.state.status, "active");
});

test("a module or wasm_exec.js that is not the manifest's is refused: nothing of it runs", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.arrives = "tampered with";
  const instantiate = mock.method(WebAssembly, "instantiate");
  const client = open();
  await settle();
  assert.equal(client.state.status, "unavailable");
  assert.match(client.state.error.description, /data.* is not the file that module.json names$/);
  assert.equal(instantiate.mock.callCount(), 0);
  stage.arrives = "";
  mock.timers.tick(1000);
  await settle();
  assert.equal(stage.starts, 1);
});

test("where a page may not use WebCrypto the browser compares the module with its integrity", async (t) => {
  const stage = set();
  const { subtle } = crypto;
  t.after(() => Object.defineProperty(crypto, "subtle", { configurable: true, value: subtle }));
  Object.defineProperty(crypto, "subtle", { configurable: true, value: undefined });
  const fetched = mock.method(globalThis, "fetch");
  open();
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const wasm = fetched.mock.calls.find(({ arguments: [url] }) => String(url).startsWith("data:"));
  assert.match(wasm.arguments[1].integrity, /^sha256-/);
  assert.equal(stage.starts, 1);
});

/** Makes the pauses between attempts as long as they can be: 1 s, 2 s, 4 s and so on. */
const longest = () => mock.method(Math, "random", () => 1);
const pauseAfter = (faults) => mock.timers.tick(1000 * 2 ** faults);

test("a module that does not arrive is given up, and each time later", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.hangs = true;
  const client = open();
  longest();
  const refused = assert.rejects(client.getToken(), { code: "temporarily_unavailable", action: "retry" });
  for (const [faults, limit] of [20_000, 40_000, 80_000, 160_000, 160_000].entries()) {
    mock.timers.tick(limit - 1);
    await settle();
    assert.equal(stage.givenUp.size, faults, `given up before ${limit} ms`);
    mock.timers.tick(1);
    await settle();
    assert.equal(stage.givenUp.size, faults + 1, `not given up after ${limit} ms`);
    assert.deepEqual([client.state.status, client.state.error.code, client.state.error.action], ["unavailable", "temporarily_unavailable", "retry"]);
    pauseAfter(faults);
    await settle();
  }
  await refused;
  stage.hangs = false;
  mock.timers.tick(160_000);
  await settle();
  pauseAfter(5);
  await settle();
  assert.equal(await client.getToken(), "token");
});

test("P6 a module that comes slowly is let come, and given up where it stops on its way", async () => {
  for (const stops of [false, true]) {
    mock.timers.enable({ apis: ["setTimeout"] });
    const stage = set();
    const way = [];
    stage.arrives = () => new ReadableStream({ start: (controller) => void way.push(controller) });
    const client = open();
    await settle();
    const [wasm, exec] = way;
    exec.close();
    for (let i = 0; i < 5; i++) {
      wasm.enqueue(new Uint8Array());
      await settle();
      mock.timers.tick(19_000);
    }
    await settle();
    assert.equal(client.state.status, "starting");
    if (stops) mock.timers.tick(1000);
    else wasm.close();
    await settle();
    assert.deepEqual([client.state.status, stage.starts], stops ? ["unavailable", 0] : ["starting", 1]);
    mock.timers.reset();
  }
});

test("P6 an import of wasm_exec.js that never ends is given up", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.exec = "data:text/javascript,await new Promise(() => {})";
  const client = open();
  longest();
  await settle();
  mock.timers.tick(20_000);
  await settle();
  assert.equal(client.state.status, "unavailable");
  stage.exec = "data:text/javascript,";
  pauseAfter(0);
  await settle();
  assert.equal(await client.getToken(), "token");
});

test("a module that a proxy calls something else is compiled all the same", async () => {
  const stage = set();
  stage.arrives = "the module";
  mock.method(crypto.subtle, "digest", async () => Uint8Array.from(atob(emptyDigest), (c) => c.charCodeAt(0)).buffer);
  WebAssembly.compileStreaming = () => Promise.reject(new TypeError("Incorrect response MIME type"));
  const { mock: compile } = mock.method(WebAssembly, "compile", async () => ({}));
  assert.equal(await open().getToken(), "token");
  assert.equal(new TextDecoder().decode(compile.calls[0].arguments[0]), "the module");
  assert.equal(stage.starts, 1);
});

test("what cannot be compiled at all is told as the browser first said it", async () => {
  set();
  WebAssembly.compileStreaming = () => Promise.reject(new TypeError("HTTP status code is not ok"));
  const client = open();
  await settle();
  assert.match(client.state.error.description, /HTTP status code is not ok/);
});

test("the module may be named by an address of the page's", async () => {
  const stage = set();
  const fetched = mock.method(globalThis, "fetch").mock;
  assert.equal(await open({ module: "/static/module.json" }).getToken(), "token");
  assert.equal(String(fetched.calls[0].arguments[0]), "https://app.example/static/module.json");
  assert.equal(stage.starts, 1);
});

test("an answer that names no module is a fault like others", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  for (const answer of ["{}", "null", "7", "<html>"]) {
    const stage = set();
    mock.method(globalThis, "fetch", async () => new Response(answer));
    const client = open();
    await settle();
    assert.deepEqual([client.state.status, client.state.error.action, stage.starts], ["unavailable", "retry", 0]);
  }
});

test("P6 a page that is looked at, or online again, does not wait for the next attempt", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  for (const back of [() => window.dispatchEvent(new Event("online")), () => window.dispatchEvent(new Event("focus")), () => document.dispatchEvent(new Event("visibilitychange"))]) {
    const stage = set();
    stage.loads = false;
    open();
    await settle();
    stage.loads = true;
    back();
    await settle();
    assert.equal(stage.starts, 1);
    mock.timers.tick(1000); // the pause is over, and no further one is started
    await settle();
    assert.equal(stage.starts, 1);
  }
});

test("a page that is looked at while its module is on its way loads and starts it once", async () => {
  const stage = set();
  const fetched = mock.method(globalThis, "fetch").mock;
  open();
  for (let i = 0; i < 3; i++) window.dispatchEvent(new Event("focus"));
  await settle();
  assert.deepEqual([fetched.callCount(), stage.starts], [3, 1]);
});

test("a client that is closed on its way says and starts nothing more", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.loads = false;
  const client = open();
  client.close();
  await settle();
  assert.deepEqual([client.state.status, stage.starts, console.error.mock.callCount()], ["starting", 0, 0]);
});

test("a page that may not talk to other tabs has a client all the same", async () => {
  const stage = set();
  globalThis.BroadcastChannel = class {
    constructor() {
      throw new DOMException("blocked", "SecurityError"); // Firefox, where storage is blocked
    }
  };
  assert.equal(await open().getToken(), "token");
  assert.equal(stage.starts, 1);
});

test("a switch whose module cannot be loaded, or dies, is unavailable, and throws nothing", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  stage.loads = false;
  const client = open();
  const unloaded = await client.switchOrganization("globex");
  assert.deepEqual([unloaded.status, unloaded.code, unloaded.action], ["unavailable", "temporarily_unavailable", "retry"]);

  stage.loads = true;
  mock.timers.tick(1000);
  await settle();
  stage.module.switch = () => new Promise(() => {});
  const dying = client.switchOrganization("globex");
  await settle();
  stage.exit();
  assert.equal((await dying).status, "unavailable");
});

test("a reloaded tab shows its state and hands out its token before the module runs, or if it never does", async () => {
  const stage = set();
  stage.loads = false;
  remember();
  const client = open();
  assert.deepEqual(client.state, state());
  assert.equal(client.partition.key, "usr_ada/org_a");
  assert.equal(await client.getToken(), "early");
  await client.ready;
  await settle();
  assert.equal(client.state.status, "active");
  assert.equal(await client.getToken(), "early");
  assert.deepEqual(stage.requests, []);
});

test("the module that takes over leaves what it agrees with as it is", async () => {
  const stage = set();
  remember();
  const client = open();
  const { state: before, partition } = client;
  await settle();
  publish(stage, {});
  assert.equal(client.state, before);
  assert.equal(client.partition, partition);
  assert.equal(await client.getToken(), "token");
});

const noEarlyToken = {
  "somebody signed in or out since": { epoch: "ses_2.y" },
  "the browser's epoch is gone": { epoch: null },
  "the record has no epoch": { record: { epoch: "" }, epoch: "" },
  "it has expired": { held: { until: Date.now() - 1 } },
  "it is from the future": { held: { minted: Date.now() + 60_000, until: Date.now() + 355_000 } },
  "the tab wore no organization": { record: { organization: "", state: undefined } },
  "it is another organization's": { held: { answer: { access_token: "early", organization: globex } } },
};
for (const [name, tab] of Object.entries(noEarlyToken)) {
  test(`no early token: ${name}`, async () => {
    set();
    remember(tab);
    const client = open();
    assert.equal(client.state.status, "starting");
    assert.equal(await client.getToken(), "token");
  });
}

test("no early token: the page names another organization", async () => {
  for (const [organization, want] of [["globex", "token"], ["acme", "early"], [acme.id, "early"]]) {
    const stage = set();
    remember();
    stage.loads = want === "token";
    assert.equal(await open({ organization }).getToken(), want);
  }
});

test("no early token: storage is blocked, or holds something else", async () => {
  set();
  Object.defineProperty(globalThis, "sessionStorage", {
    configurable: true,
    get() {
      throw new DOMException("blocked", "SecurityError");
    },
  });
  assert.equal(await open().getToken(), "token");
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, writable: true, value: undefined });
  for (const text of ["", "{", "null", "7", "[]", '{"held":7}']) {
    set();
    remember();
    sessionStorage.items.set(key, text);
    assert.equal(await open().getToken(), "token");
  }
});

test("P10 another tab's sign-in or sign-out is heard when its epoch arrives, not only when its message does", async () => {
  const stage = set();
  open();
  await settle();
  for (const changed of ["something else", key + ":epoch"]) {
    window.dispatchEvent(Object.assign(new Event("storage"), { key: changed }));
  }
  assert.deepEqual(stage.calls.filter(([name]) => name === "hear"), [["hear", "look again"]]);
});

// @ts-nocheck
// When the module is loaded, and a page's calls before it is there.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { open } from "./open.js";
import { key, publish, remember, set, settle, state } from "./stage.js";

const own = "https://app.example/auth/client/module.wasm";

/** A client whose manifest names one byte at an address; the bytes arrive from there. */
async function loaded(address, arrives) {
  const stage = set();
  const asked = mock.method(globalThis, "fetch", async (input) => {
    const url = String(input);
    if (url.includes("module.json")) return Response.json({ wasm: { url: address, integrity: "sha256-another", bytes: 1 }, exec: { url: "data:text/javascript," } });
    return new Response(url.startsWith("data:") ? "" : arrives, { headers: { "Content-Type": "application/wasm" } });
  }).mock;
  const client = open();
  await settle();
  return { client, stage, asked: asked.calls.map(({ arguments: [url] }) => String(url)).filter((url) => url.endsWith(".wasm")) };
}

test("the backend's own module is compiled from the network, at its length", async () => {
  const { stage, asked } = await loaded(own, "x");
  assert.deepEqual([stage.starts, asked], [1, [own]]);
});

test("the pieces of the backend's own module come into one memory, and arrive whole", async () => {
  const texts = ["\0asm", "first", "second", "third"];
  const memories = new Set();
  const stage = set();
  mock.method(globalThis, "fetch", async (input) => {
    const url = String(input);
    const body = new ReadableStream({
      type: "bytes",
      pull(controller) {
        const text = texts.shift();
        if (text === undefined) return controller.close(), controller.byobRequest.respond(0);
        memories.add(controller.byobRequest.view.byteLength);
        controller.byobRequest.respond(Buffer.from(controller.byobRequest.view.buffer).write(text));
      },
    });
    if (url.includes("module.json")) return Response.json({ wasm: { url: own, bytes: 20 }, exec: { url: "data:text/javascript," } });
    return new Response(url.endsWith(".wasm") ? body : "", { headers: { "Content-Type": "application/wasm" } });
  });
  open();
  await settle();
  assert.deepEqual([stage.compiled, stage.starts, [...memories]], ["\0asmfirstsecondthird", 1, [65536]]);
});

test("the backend's own module is refused if it is cut off or longer", async () => {
  for (const arrives of ["", "xx"]) {
    const { client, stage } = await loaded(own, arrives);
    assert.match(client.state.error.description, /is not the file that module.json names$/);
    assert.equal(stage.starts, 0);
  }
});

test("a module from elsewhere is compared with its digest, whatever its length", async () => {
  for (const address of ["https://cdn.example/auth/client/module.wasm", "https://app.example/auth/clients/module.wasm"]) {
    const { client, stage } = await loaded(address, "x");
    assert.match(client.state.error.description, /is not the file that module.json names$/);
    assert.equal(stage.starts, 0);
  }
});

/** A tab that is in the background, as it comes by a way of navigation. */
function background(options, type = "back_forward") {
  const stage = set();
  mock.method(performance, "getEntriesByType", () => [{ type }]);
  document.hidden = true;
  remember();
  return { stage, client: open(options) };
}

const lookedAt = () => {
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
};

test("a restored tab loads its module when it is looked at", async () => {
  const { stage, client } = background();
  const fetched = mock.method(globalThis, "fetch").mock;
  await settle();
  window.dispatchEvent(new Event("online"));
  await settle();
  assert.deepEqual([client.state, await client.getToken(), fetched.callCount(), stage.starts], [state(), "early", 0, 0]);
  lookedAt();
  await settle();
  assert.equal(stage.starts, 1);
  lookedAt();
  await settle();
  assert.equal(stage.starts, 1);
});

test("a restored tab loads its module at its first call", async () => {
  const { stage, client } = background();
  assert.equal(await client.getToken({ forceRefresh: true }), "token");
  assert.equal(stage.starts, 1);
});

test("a tab that was opened or reloaded in the background, or keeps its session alive, loads its module at once", async () => {
  for (const [options, type] of [[{}, "navigate"], [{}, "reload"], [{ keepAlive: true }, "back_forward"]]) {
    const { stage } = background(options, type);
    await settle();
    assert.equal(stage.starts, 1, type);
  }
});

test("P10 a restored tab shows nothing of before a sign-out elsewhere, which it hears or sees when it is looked at", async () => {
  const hear = () => window.dispatchEvent(Object.assign(new Event("storage"), { key: key + ":epoch" }));
  for (const notice of [hear, lookedAt]) {
    const { stage, client } = background();
    assert.equal(client.state.status, "active");
    const { signal } = client.partition;
    localStorage.setItem(key + ":epoch", ".y");
    notice();
    assert.deepEqual([client.state.status, client.partition.key, signal.aborted], ["starting", "", true]);
    await settle();
    assert.equal(stage.starts, notice === hear ? 0 : 1);
  }
});

test("a restored tab whose token ends before it is looked at shows its organization on", async () => {
  mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const { client } = background();
  mock.timers.tick(3_600_000);
  lookedAt();
  assert.deepEqual([client.state.status, client.state.organization.slug], ["active", "acme"]);
});

/** A page whose module does not arrive, with an epoch. The answers are the backend's. */
async function waiting(epoch, answer, options) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  if (epoch !== undefined) localStorage.setItem(key + ":epoch", epoch);
  const requests = [];
  const { fetch } = globalThis;
  mock.method(globalThis, "fetch", async (url, init) => {
    if (String(url).includes("/session")) return requests.push([String(url), init]), Response.json(answer);
    stage.hangs = true;
    return fetch(url, init);
  });
  const client = open(options);
  await settle();
  mock.timers.tick(250);
  await settle();
  return { stage, client, requests };
}

const signedOut = { error: "login_required", error_description: "Sign in." };

test("a page shows that nobody is signed in before its module is there", async () => {
  for (const [epoch, code] of [[undefined, "login_required"], ["", "login_required"], [".y", "login_required"], ["ses_1.x", "login_required"], ["ses_1.x", "session_expired"], ["ses_1.x-ses_0", "session_revoked"]]) {
    const { stage, client, requests } = await waiting(epoch, { ...signedOut, error: code });
    assert.deepEqual(requests, [["https://app.example/auth/session?quiet=1", { credentials: "include" }]]);
    assert.deepEqual([client.state.status, client.state.error.code, client.state.error.action, stage.starts], ["signed_out", code, "sign_in", 0]);
    await client.ready;
    mock.timers.tick(20_000);
    await settle();
    assert.equal(client.state.status, "unavailable", "what does not arrive is told as always");
    mock.timers.reset();
  }
});

test("P6 a page that may have a session shows no sign-out before its module does", async () => {
  for (const answer of [...["device_key_required", "refresh_token_reused", "account_required", "organization_session_expired", "temporarily_unavailable"].map((error) => ({ error })), { user: {} }, null]) {
    for (const epoch of [".y", "ses_1.x"]) {
      const { client } = await waiting(epoch, answer);
      assert.equal(client.state.status, "starting", JSON.stringify(answer));
      mock.timers.reset();
    }
  }
});

test("P6 what the module says counts, whatever was shown before, and is not hidden when it dies", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  let compiled;
  WebAssembly.compileStreaming = () => new Promise((resolve) => (compiled = resolve));
  stage.stands = signedOut;
  const client = open();
  await settle();
  mock.timers.tick(250);
  await settle();
  assert.equal(client.state.status, "signed_out");
  compiled({});
  await settle();
  publish(stage, {});
  assert.equal(client.state.status, "active");
  stage.exit();
  await settle();
  assert.equal(client.state.status, "active");
});

test("a module that is there in time is asked alone", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stage = set();
  open();
  await settle();
  mock.timers.tick(250);
  await settle();
  assert.equal(stage.asked, 0);
});

test("a sign-in does not wait for the module where nobody is signed in, and leaves a note", async () => {
  for (const [named, call, want, note] of [
    [undefined, {}, "return_to=https%3A%2F%2Fapp.example%2Fpage", ""],
    ["acme", { organization: "globex", prompt: "login", staySignedIn: false }, "organization=globex&prompt=login&session_cookie=true&return_to=https%3A%2F%2Fapp.example%2Fpage", "globex"],
    ["acme", { email: "ada@x.example" }, "return_to=https%3A%2F%2Fapp.example%2Fpage", ""],
    ["acme", {}, "organization=acme&return_to=https%3A%2F%2Fapp.example%2Fpage", ""],
  ]) {
    const { stage, client } = await waiting(".y", signedOut, { organization: named });
    location.assign = (address) => (stage.left = address);
    const sent = mock.method(globalThis, "fetch", async () => Response.json({ location: "https://id.example/authorize" })).mock;
    await client.signIn(call);
    const [url, init] = sent.calls[0].arguments;
    assert.equal(url, "https://app.example/auth/login?" + want);
    assert.deepEqual([init.method, init.credentials, init.body, init.headers["Content-Type"]], ["POST", "include", call.email ? '{"email":"ada@x.example"}' : "{}", "application/json"]);
    assert.equal(stage.left, "https://id.example/authorize");
    assert.deepEqual(JSON.parse(sessionStorage.getItem(key + ":left")), { organization: note });
    assert.deepEqual(stage.calls, []);
    mock.timers.reset();
  }
});

test("a sign-in that the backend does not begin goes on to the backend's own page", async () => {
  for (const answer of [() => Response.json({ error: "server_error" }), () => Promise.reject(new TypeError("offline")), () => Response.json({ location: "javascript:alert(1)" })]) {
    const { stage, client } = await waiting(".y", signedOut);
    location.assign = (address) => (stage.left = address);
    mock.method(globalThis, "fetch", async () => answer());
    await client.signIn();
    assert.equal(stage.left, "https://app.example/auth/login?return_to=https%3A%2F%2Fapp.example%2Fpage");
    mock.timers.reset();
  }
});

/**
 * A call before the page has heard from its module, or of the backend; then the answer to the question whether a session lives.
 * It waits for the requests that are wanted: a chunk's import takes as long as the disk does, and what is late would be the next test's.
 */
async function unheard(epoch, answer, call, want) {
  mock.timers.enable({ apis: ["setTimeout"] }); // the page's own question, after 250 ms, does not come
  const stage = set();
  stage.hangs = true;
  localStorage.setItem(key + ":epoch", epoch);
  location.assign = (address) => (stage.left = address);
  const { fetch } = globalThis;
  const sent = [];
  mock.method(globalThis, "fetch", async (url, init) => {
    if (!/\/(session|login)\?/.test(url)) return fetch(url, init);
    sent.push(String(url).match(/session|login/)[0]);
    return sent.at(-1) === "login" ? Response.json({ location: "https://id.example/authorize" }) : answer(init);
  });
  const client = open();
  let settled = false;
  void call(client, stage).catch(() => {}).then(() => (settled = true));
  for (let i = 0; i < 50 && sent.join() !== want; i++) await settle();
  await settle();
  mock.timers.reset();
  return { stage, sent: sent.join(), settled };
}

test("P12 a sign-in waits for the module where somebody may be signed in", async () => {
  for (const answer of [() => Response.json({ user: {} }), () => Response.json({ error: "device_key_required" }), () => Promise.reject(new TypeError("offline")), () => new Response("<html>")]) {
    const { stage, sent, settled } = await unheard("ses_1.x", answer, (client) => client.signIn(), "session");
    assert.deepEqual([sent, settled, stage.left], ["session", false, undefined]);
  }
});

test("a sign-in asks whether the session that the browser knows has ended, and waits for no module then", async () => {
  for (const code of ["login_required", "session_expired", "session_revoked"]) {
    const { stage, sent } = await unheard("ses_1.x", () => Response.json({ error: code }), (client) => client.signIn(), "session,login");
    assert.deepEqual([sent, stage.left], ["session,login", "https://id.example/authorize"]);
  }
});

test("a sign-in that the page was shown to be needed asks nothing more", async () => {
  const { stage, client, requests } = await waiting("ses_1.x", signedOut);
  location.assign = (address) => (stage.left = address);
  mock.method(globalThis, "fetch", async (url) => (String(url).includes("/session") ? assert.fail("it was asked again") : Response.json({ location: "https://id.example/authorize" })));
  await client.signIn();
  assert.deepEqual([requests.length, stage.left], [1, "https://id.example/authorize"]);
});

test("a sign-in in a window begins before the module is there", async () => {
  const window = (stage) => ({ location: { replace: (address) => (stage.popup.at = String(address)) }, close: () => (stage.popup.gone = true), resizeTo() {} });
  for (const [epoch, answer, want, at] of [
    [".y", () => assert.fail("nothing is to be asked"), "login", "https://id.example/authorize"],
    ["ses_1.x", () => Response.json(signedOut), "session,login", "https://id.example/authorize"],
    ["ses_1.x", () => Response.json({ user: {} }), "session", undefined],
  ]) {
    const leaving = new AbortController();
    const { stage, sent } = await unheard(epoch, answer, (client, stage) => {
      stage.popup = window(stage);
      return client.signIn({ popup: true, signal: leaving.signal });
    }, want);
    assert.deepEqual([sent, stage.popup.at, stage.left, sessionStorage.getItem(key + ":left")], [want, at, undefined, null]);
    leaving.abort();
    await settle();
    assert.equal(stage.popup.gone, at && true);
  }
});

test("an early sign-in takes text alone", async () => {
  const { client } = await waiting(".y", signedOut);
  for (const value of [10n, 7, {}, []]) await assert.rejects(client.signIn({ organization: value }), TypeError);
});

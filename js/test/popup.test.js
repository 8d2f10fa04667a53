// @ts-nocheck
// The page's work beside its tab: a sign-in in a window of its own, and the headers of a
// request that is sent by other means.
import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./open.js";
import { publish, set, settle } from "./stage.js";

/** A page whose client is signed out, with a window to open. */
async function signedOut(lacks) {
  const stage = set();
  stage.lacks = lacks; // a function that a module of an earlier release does not have
  window.addEventListener = EventTarget.prototype.addEventListener.bind(window);
  stage.module.stepUpURL = () => "https://id.example/authorize?x";
  stage.popup = { location: { replace: (address) => (stage.popup.at = String(address)) }, close: () => (stage.popup.gone = true), opener: window };
  stage.module.signedIn = () => void publish(stage, {});
  const client = open();
  await settle();
  publish(stage, { status: "signed_out", organization: null, user: null });
  return { stage, client };
}

const end = (stage, message) => stage.channels.forEach((channel) => channel.onmessage({ data: message }));
const idOf = (stage) => new URLSearchParams(new URL(stage.calls.find(([name]) => name === "stepUpURL")[3]).hash.slice(1)).get("id");
const errorOf = (promise) => promise.then(() => assert.fail("it was not refused"), (error) => error);

test("a sign-in in a window leaves the page as it is, and the tab goes on signed in", async () => {
  const { stage, client } = await signedOut();
  let done = false;
  const signIn = client.signIn({ popup: true, organization: "acme", prompt: "login", loginHint: "ada@x.example", email: "ada@acme.example", staySignedIn: false }).then(() => (done = true));
  assert.equal(stage.opened.length, 1, "the window is opened before anything is waited for");
  await settle();
  const [, organization, address, returnTo, email] = stage.calls.find(([name]) => name === "stepUpURL");
  assert.deepEqual([organization, address, email], ["", "/login?user=&organization=acme&prompt=login&login_hint=ada%40x.example&session_cookie=true", "ada@acme.example"]);
  assert.equal(returnTo.split("#")[0], "https://app.example/auth/client/popup.html");
  assert.deepEqual([stage.popup.at, stage.popup.opener, stage.left], ["https://id.example/authorize?x", null, undefined]);
  for (const other of ["look again", { stepUp: "another", error: null }, { stepUp: "another", error: "access_denied" }]) end(stage, other);
  await settle();
  assert.equal(done, false);
  end(stage, { stepUp: idOf(stage), error: null });
  await signIn;
  assert.deepEqual(stage.calls.find(([name]) => name === "signedIn"), ["signedIn", "acme"]);
  assert.deepEqual([client.state.status, stage.popup.gone], ["active", true]);
});

test("a sign-in in another tab ends the wait", async () => {
  const { stage, client } = await signedOut();
  const signIn = client.signIn({ popup: true });
  await settle();
  publish(stage, {});
  await signIn;
  assert.equal(stage.popup.gone, true);
  assert.equal(stage.calls.some(([name]) => name === "signedIn"), false);
});

test("a sign-in in a window that ends without a session says how, and leads on", async () => {
  const { stage, client } = await signedOut();
  const canceled = errorOf(client.signIn({ popup: true, organization: "acme" }));
  await settle();
  end(stage, { stepUp: idOf(stage), error: "access_denied" });
  const error = await canceled;
  assert.deepEqual([error.code, error.action, stage.popup.gone], ["access_denied", "sign_in", true]);
  await error.continue();
  assert.deepEqual(stage.calls.at(-1).slice(0, 3), ["signIn", "acme", "https://app.example/page"]);

  stage.popup = null;
  assert.equal((await errorOf(client.signIn({ popup: true }))).code, "popup_blocked");
});

test("a backend of an earlier release, without such windows, leads to the page's own sign-in", async () => {
  for (const missing of ["stepUpURL", "signedIn"]) {
    const { stage, client } = await signedOut(missing);
    const signIn = errorOf(client.signIn({ popup: true, organization: "acme" }));
    await settle();
    if (missing === "signedIn") end(stage, { stepUp: idOf(stage), error: null });
    const error = await signIn;
    assert.deepEqual([error.name, error.code, error.action, stage.popup.gone], ["TabardError", "popup_unsupported", "sign_in", true], missing);
    assert.ok(stage.channels.at(-1).closed, "it waits for the window no longer");
    await error.continue();
    assert.deepEqual(stage.calls.at(-1).slice(0, 2), ["signIn", "acme"]);
  }
});

test("a window whose session the browser did not keep is no sign-in", async () => {
  const { stage, client } = await signedOut();
  stage.module.signedIn = () => {};
  const signIn = errorOf(client.signIn({ popup: true }));
  await settle();
  end(stage, { stepUp: idOf(stage), error: null });
  assert.equal((await signIn).code, "login_required");
});

test("a sign-in in a window is given up by its signal", async () => {
  const { stage, client } = await signedOut();
  const controller = new AbortController();
  const signIn = errorOf(client.signIn({ popup: true, signal: controller.signal }));
  await settle();
  controller.abort();
  assert.equal((await signIn).name, "AbortError");
  assert.equal(stage.popup.gone, true);
});

test("in a frame of another site the window is the page itself, and gets no session from it", async () => {
  const { stage, client } = await signedOut();
  const waiting = new AbortController();
  for (const parent of [{ get location() { throw new DOMException("cross-origin", "SecurityError"); } }, { location: { origin: "https://other.example" } }]) {
    parent.parent = parent;
    window.parent = parent;
    stage.popup.at = "";
    void client.signIn({ popup: true, returnTo: "/notes", signal: waiting.signal }).catch(() => {});
    await settle();
    assert.deepEqual([stage.popup.at, stage.popup.opener], ["https://app.example/notes", null]);
  }
  assert.equal(stage.calls.some(([name]) => name === "stepUpURL"), false);
  window.parent = { location: { origin: "https://app.example" } };
  void client.signIn({ popup: true, signal: waiting.signal }).catch(() => {});
  await settle();
  assert.equal(stage.popup.at, "https://id.example/authorize?x", "a frame of one's own origin signs in");
  waiting.abort(); // else it would wait for its window, and this process with it
});

test("the headers of a request: the token, and a proof of this address where it is bound", async () => {
  const stage = set();
  const client = open({ apis: ["https://api.example"] });
  await settle();
  publish(stage, {});
  assert.deepEqual(await client.proof("https://api.example/up?x=1"), { Authorization: "Bearer token" });
  stage.module.token = () => "DPoP bound";
  stage.module.proof = (...args) => args.join(" ");
  assert.deepEqual(await client.proof("https://api.example/up?x=1#y", { method: "put" }), { Authorization: "DPoP bound", DPoP: "bound PUT https://api.example/up" });
  await assert.rejects(client.proof("https://evil.example/up"), { name: "TypeError" });
  await assert.rejects(client.proof("/up"), { name: "TypeError" }, "the page's own origin is none of apis");
});

const globexToo = { fence: 2, organization: { id: "org_g", slug: "globex", name: "Globex" } };

test("headers that come after a switch are not handed out", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  let prove;
  stage.module.token = () => "DPoP bound";
  stage.module.proof = () => new Promise((resolve) => (prove = resolve));
  const late = errorOf(client.proof("/up"));
  await settle();
  publish(stage, globexToo);
  prove("late");
  assert.equal((await late).code, "organization_left");
});

test("what is asked for one organization is got for no other, also where the chunk of the call comes later", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  globalThis.WebSocket = class {
    constructor() {
      assert.fail("a WebSocket was opened");
    }
  };
  const calls = [
    client.proof("/up"), client.connect("/live"), client.lend({ permissions: ["notes:read"] }), client.getToken({ permissions: ["notes:read"] }),
    client.getToken({ forceRefresh: true }),
  ].map(errorOf);
  publish(stage, globexToo);
  for (const call of calls) assert.equal((await call).code, "organization_left");
});

test("headers for a handler's own signal, and for a second organization", async () => {
  const stage = set();
  const client = open();
  await settle();
  publish(stage, {});
  const { signal } = client.partition;
  publish(stage, globexToo);
  assert.equal((await errorOf(client.proof("/up", { method: "PUT", signal }))).code, "organization_left");
  stage.module.token = (organization) => `token of ${organization}`;
  const acme = client.inOrganization("acme");
  assert.deepEqual(await acme.proof("/up"), { Authorization: "Bearer token of acme" });
  publish(stage, { fence: 3, organization: null, user: null, status: "signed_out" });
  assert.equal((await errorOf(acme.proof("/up"))).code, "organization_left");
});

// @ts-nocheck
// The step-up that an API asks for: in a window of its own, or by leaving the page.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { open } from "./open.js";
import { globex, publish, set, settle } from "./stage.js";

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token as the backend mints it, at the second 1000. */
const token = (claims) => `e30.${base64url({ org_id: "org_a", iat: 1000, auth_time: 100, acr: "pwd", ...claims })}.c2ln`;

const challenge = 'Bearer error="insufficient_user_authentication", acr_values="mfa hwk", max_age="5"';
const refused = (header = challenge, status = 401) => new Response("", { status, headers: { "WWW-Authenticate": header } });

/** A page whose API asks for a step-up until `stage.token` is one of the second factor. */
async function challenged(options) {
  const stage = set();
  window.addEventListener = EventTarget.prototype.addEventListener.bind(window);
  globalThis.addEventListener = window.addEventListener;
  stage.token = token();
  stage.module.token = () => stage.token;
  stage.module.stepUpURL = () => "https://id.example/authorize?x";
  stage.popup = { location: { replace: (address) => (stage.popup.at = address) }, close: () => (stage.popup.closed_ = true), opener: window };
  for (const name of ["closed", "name"]) Object.defineProperty(stage.popup, name, { get: () => assert.fail(`${name} is read`) });
  const client = open(options);
  await settle();
  publish(stage, {});
  stage.answer = (_, init) => (new Headers(init.headers).get("authorization").includes(token()) ? refused() : new Response("done"));
  return { stage, client };
}

/** The window's message at the step-up's end, to all channels. */
const end = (stage, message) => stage.channels.forEach((channel) => channel.onmessage({ data: message }));
const idOf = (stage) => new URLSearchParams(new URL(stage.calls.find(([name]) => name === "stepUpURL")[3]).hash.slice(1)).get("id");
const errorOf = (promise) => promise.then(() => assert.fail("it was not refused"), (error) => error);

test("a request that asks for a step-up is sent once, and the error says so", async () => {
  const { stage, client } = await challenged();
  const error = await errorOf(client.fetch("/api/pay", { method: "POST", body: "1 EUR" }));
  assert.deepEqual([error.code, error.action, typeof error.continue], ["insufficient_user_authentication", "step_up", "function"]);
  assert.equal(stage.requests.length, 1);
  assert.deepEqual(stage.calls.filter(([name]) => name === "token").length, 1);
});

test("continue leaves the page for what the API asks for, and never resolves in it", async () => {
  const { stage, client } = await challenged();
  const error = await errorOf(client.fetch("/api/pay"));
  let settled = false;
  error.continue({ returnTo: "/pay?a=1" }).catch(() => {}).finally(() => (settled = true));
  await settle();
  assert.deepEqual(stage.calls.at(-1), ["stepUp", "org_a", "/login?organization=org_a&acr_values=mfa+hwk&max_age=5", "https://app.example/pay?a=1"]);
  assert.equal(settled, false);
  window.dispatchEvent(new Event("pageshow")); // the person went back
  await settle();
  assert.equal(settled, true);
  assert.deepEqual(stage.opened, []);
});

test("in a window, continue opens it at once and resolves with a token that meets the challenge", async () => {
  const { stage, client } = await challenged();
  const error = await errorOf(client.fetch("/api/pay", { method: "POST", body: "1 EUR" }));
  let settled = false;
  const stepUp = error.continue({ popup: true }).then(() => (settled = true));
  assert.equal(stage.opened.length, 1, "the window is opened before anything is waited for");
  assert.equal(stage.opened[0][0], "");
  await settle();
  assert.equal(stage.popup.at, "https://id.example/authorize?x");
  assert.equal(stage.popup.opener, null);
  const [, organization, address, returnTo] = stage.calls.find(([name]) => name === "stepUpURL");
  assert.deepEqual([organization, address], ["org_a", "/login?organization=org_a&acr_values=mfa+hwk&max_age=5"]);
  assert.equal(returnTo.split("#")[0], "https://app.example/auth/client/popup.html");
  for (const not of [{ acr: "pwd", auth_time: 999 }, { acr: "mfa", auth_time: 900 }, { acr: "mfa", auth_time: undefined }]) {
    stage.token = token({ iat: 1000, ...not });
    end(stage, "look again");
    await settle();
    assert.equal(settled, false, JSON.stringify(not));
  }
  stage.token = token({ acr: "mfa", auth_time: 998 });
  end(stage, "look again");
  await stepUp;
  assert.ok(stage.popup.closed_);
  assert.equal(stage.requests.length, 1, "nothing was sent by itself");
  assert.equal((await client.fetch("/api/pay", { method: "POST", body: "1 EUR" })).status, 200);
});

test("what is looked at, what storage says and what another tab does is noticed", async () => {
  for (const [i, happens] of [
    () => window.dispatchEvent(new Event("focus")),
    () => document.dispatchEvent(new Event("visibilitychange")),
    () => window.dispatchEvent(Object.assign(new Event("storage"), { key: "tabard:https://app.example/auth:epoch" })),
    (stage) => window.dispatchEvent(Object.assign(new Event("storage"), { key: "tabard:https://app.example/auth:step-up", newValue: JSON.stringify({ stepUp: idOf(stage) }) })),
    (stage) => end(stage, { stepUp: idOf(stage), error: null }),
  ].entries()) {
    const { stage, client } = await challenged();
    const error = await errorOf(client.fetch("/api/pay/" + i));
    const stepUp = error.continue({ popup: true });
    await settle();
    stage.token = token({ acr: "hwk", auth_time: 1000 });
    happens(stage);
    await stepUp;
  }
});

test("the same challenge after it was met is no use to satisfy again", async () => {
  const { stage, client } = await challenged();
  const pay = () => errorOf(client.fetch("/api/again"));
  stage.answer = () => refused();
  const first = await pay();
  const stepUp = first.continue({ popup: true });
  await settle();
  stage.token = token({ acr: "mfa", auth_time: 1000 });
  end(stage, "look again");
  await stepUp;
  assert.deepEqual([(await errorOf(client.fetch("/api/other"))).action, (await pay()).action, (await pay()).action], ["step_up", "stop", "step_up"]);
  const again = (await pay()).continue({ popup: true });
  await settle();
  end(stage, "look again");
  await again;
  const now = performance.now();
  mock.method(performance, "now", () => now + 5001);
  assert.equal((await pay()).action, "step_up", "an authentication of five seconds may be too old after five seconds");
});

test("a window that is blocked is said to be, and the page can be left instead", async () => {
  const { stage, client } = await challenged();
  stage.popup = null;
  const error = await errorOf((await errorOf(client.fetch("/api/pay"))).continue({ popup: true }));
  assert.deepEqual([error.code, error.action], ["popup_blocked", "step_up"]);
  error.continue();
  await settle();
  assert.equal(stage.calls.at(-1)[0], "stepUp");
});

test("a step-up that ends without an authentication says why, to the tab that waits alone", async () => {
  const { stage, client } = await challenged();
  const stepUp = errorOf((await errorOf(client.fetch("/api/pay"))).continue({ popup: true }));
  await settle();
  end(stage, { stepUp: "another's", error: "access_denied" });
  end(stage, 10n);
  end(stage, null);
  await settle();
  end(stage, { stepUp: idOf(stage), error: "access_denied" });
  const error = await stepUp;
  assert.deepEqual([error.code, error.action, typeof error.continue], ["access_denied", "step_up", "function"]);
});

test("an authentication that is not what was asked for is the end", async () => {
  const { stage, client } = await challenged();
  const stepUp = errorOf((await errorOf(client.fetch("/api/pay"))).continue({ popup: true }));
  await settle();
  end(stage, { stepUp: idOf(stage), error: null });
  assert.deepEqual(await stepUp.then(({ code, action }) => [code, action]), ["unmet_authentication_requirements", "stop"]);
});

test("a step-up is given up by its signal, with the organization, and after ten minutes", async () => {
  for (const [giveUp, code] of [
    [(_, controller) => controller.abort(new Error("enough")), undefined],
    [(stage) => publish(stage, { organization: globex, fence: 2 }), "organization_left"],
    [() => mock.timers.tick(600_000), "step_up_timeout"],
  ]) {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { stage, client } = await challenged();
    const controller = new AbortController();
    const stepUp = errorOf((await errorOf(client.fetch("/api/pay"))).continue({ popup: true, signal: controller.signal }));
    await settle();
    giveUp(stage, controller);
    assert.equal((await stepUp).code, code);
    assert.ok(stage.popup.closed_);
    const asked = stage.calls.length;
    end(stage, "look again");
    window.dispatchEvent(new Event("focus"));
    await settle();
    assert.deepEqual(stage.calls.slice(asked).filter(([name]) => name === "token"), [], "nothing is asked for any more");
    mock.timers.reset();
  }
});

test("what fails on the way is waited out, and a session that ended is not", async () => {
  const { stage, client } = await challenged();
  const stepUp = errorOf((await errorOf(client.fetch("/api/pay"))).continue({ popup: true }));
  await settle();
  for (const action of ["retry", "sign_in"]) {
    stage.module.token = () => {
      throw { code: action, action };
    };
    window.dispatchEvent(new Event("focus"));
    await settle();
  }
  assert.equal((await stepUp).code, "sign_in");
});

test("stepUp does the same without a request", async () => {
  for (const [options, query] of [
    [{ acrValues: ["mfa", "hwk"], maxAge: 60 }, "organization=org_a&acr_values=mfa+hwk&max_age=60"],
    [{ acrValues: "mfa" }, "organization=org_a&acr_values=mfa"],
    [{}, "organization=org_a&max_age=0"],
  ]) {
    const { stage, client } = await challenged();
    const stepUp = client.stepUp({ ...options, popup: "/static/popup.html" });
    assert.equal(stage.opened.length, 1, "the window is opened before anything is waited for");
    await settle();
    const [, , address, returnTo] = stage.calls.find(([name]) => name === "stepUpURL");
    assert.deepEqual([address, returnTo.split("#")[0]], ["/login?" + query, "https://app.example/static/popup.html"]);
    stage.token = token({ acr: "mfa", auth_time: 1000 });
    end(stage, "look again");
    await stepUp;
  }
});

test("a window ends on the page's own origin, and is closed where it cannot", async () => {
  const { stage, client } = await challenged({ backend: "https://auth.example.com" });
  for (const popup of [true, "https://evil.example/popup.html"]) {
    stage.popup.closed_ = false;
    await assert.rejects(client.stepUp({ popup }), /popup must be the address .* on https:\/\/app.example, not on https/);
    assert.ok(stage.popup.closed_);
  }
});

test("a second organization's step-up is its own", async () => {
  const { stage, client } = await challenged();
  stage.module.token = (organization) => token({ org_id: organization === "globex" ? "org_g" : "org_a" });
  stage.answer = () => refused();
  const error = await errorOf(client.inOrganization("globex").fetch("/api/pay"));
  error.continue();
  await settle();
  assert.deepEqual(stage.calls.at(-1).slice(0, 3), ["stepUp", "org_g", "/login?organization=org_g&acr_values=mfa+hwk&max_age=5"]);
});

test("another 401 is what it was: the token is renewed once", async () => {
  const { stage, client } = await challenged();
  const answers = [refused('Bearer error="invalid_token"'), new Response("done")];
  stage.answer = () => answers.shift();
  assert.equal((await client.fetch("/api/pay")).status, 200);
  assert.equal(stage.requests.length, 2);
  stage.answer = (_, init) => refused(stage.requests.length % 2 ? 'Bearer error="invalid_token"' : challenge);
  assert.equal((await errorOf(client.fetch("/api/pay"))).code, "insufficient_user_authentication");
});

// @ts-nocheck
// The fake client does what the real one does: the scenarios run in Chromium against the
// real one too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, test } from "node:test";

import { TabardError } from "../index.js";
import { borrow } from "../borrow.js";
import { createFakeClient } from "../testing.js";
import { open } from "./open.js";
import { set, settle } from "./stage.js";
import "./observe.js";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const scenarios = [...read("scenarios.json"), ...read("people.json")];
const roles = { admin: ["notes:read", "notes:write"], viewer: ["notes:read"], editor: ["notes:read", "notes:write"] };
const tenant = (slug, role, stepUp = false) => ({ slug, roles: [role], permissions: roles[role], stepUp });
/** Dana, as the demo knows her. */
const dana = {
  user: { id: "usr_dana", name: "Dana Novak" },
  organizations: [tenant("acme", "viewer"), tenant("globex", "viewer"), tenant("lamna", "editor", true), tenant("northwind", "editor", true)],
};

/** Other people of the demo. */
const people = {
  alice: { user: { id: "usr_alice", name: "Alice Martin" }, organizations: [tenant("acme", "admin"), tenant("globex", "editor"), tenant("initech", "viewer")] },
  bob: { user: { id: "usr_bob", name: "Bob Keller" }, organizations: [tenant("globex", "admin")] },
};

const { fetch } = globalThis;
afterEach(() => {
  Object.assign(globalThis, { fetch });
  for (const name of ["document", "location", "WebSocket", "asked", "watched", "last"]) delete globalThis[name];
});

/** A page with an API that answers as it is told to. */
function page() {
  const answers = [];
  const requests = [];
  Object.assign(globalThis, {
    document: { baseURI: "https://app.example/" }, location: new URL("https://app.example/"),
    fetch: async (url, init) => (requests.push([String(url), init]), answers.shift() ?? new Response("ok")),
  });
  return { answers, requests };
}

const challenge = 'Bearer error="insufficient_user_authentication", acr_values="urn:tabard:mfa"';

for (const { name, at, signedOut, people: all, steps } of scenarios) {
  test(`as the real client: ${name}`, async () => {
    const { answers } = page();
    const fake = createFakeClient({ ...(all ? { accounts: all.map((one) => people[one]) } : dana), organization: at, ...(signedOut && { status: "signed_out" }) });
    const world = {
      rejectNext: () => answers.push(new Response("", { status: 401 })),
      challengeNext: () => answers.push(new Response("", { status: 401, headers: { "WWW-Authenticate": challenge } })),
    };
    for (const { call, gives, world: event, sees, leave } of steps) {
      const where = JSON.stringify({ call, event, sees, leave });
      if (event) (world[event[0]] ?? fake[event[0]])(...event.slice(1));
      if (leave) void { signIn: () => fake.signIn(), continue: () => globalThis.last.continue(), "state.continue": async () => (await fake.state.continue()).continue }[leave]();
      if (call) {
        const got = await observer.call(fake, ...call);
        if (gives) includes(got, gives, where);
      }
      await settle();
      if (sees) includes(observer.see(fake), sees, where);
    }
  });
}

/** Compares the calls that a scenario names. */
function includes(got, want, where) {
  if (Array.isArray(want)) return assert.deepEqual(got, want, where);
  for (const [key, value] of Object.entries(want)) assert.deepEqual(JSON.parse(JSON.stringify(got[key] ?? null)), value, `${where}: ${key} of ${JSON.stringify(got)}`);
}

test("a step-up in a window of its own settles when the test says how it ended", async () => {
  const fake = createFakeClient({ ...dana, organization: "acme" });
  const first = fake.stepUp({ popup: true });
  await settle();
  assert.deepEqual(fake.departures, [{ to: "step_up", organization: "org_acme", popup: true }]);
  fake.comeBack("step_up_canceled");
  await assert.rejects(first, { code: "step_up_canceled", action: "step_up" });
  const second = fake.stepUp({ popup: true });
  await settle();
  fake.comeBack();
  await second;
  assert.equal(fake.state.status, "active");
});

test("a fake client starts when it is told to, and runs without a document", async () => {
  const fake = createFakeClient({ ...dana, organization: "globex", status: "starting" });
  let ready = false;
  fake.ready.then(() => (ready = true));
  const token = fake.getToken();
  await settle();
  assert.deepEqual([fake.state.status, ready], ["starting", false]);
  fake.start();
  assert.equal(JSON.parse(atob((await token).split(".")[1])).org_slug, "globex");
  assert.deepEqual([fake.state.status, ready], ["active", true]);
  await assert.rejects(fake.fetch("/api"), /needs the globals document, fetch and Request/);
});

test("an expired token is renewed, and a refusal of the renewal is seen", async () => {
  const fake = createFakeClient({ ...dana, organization: "acme" });
  const before = await fake.getToken();
  assert.equal(await fake.getToken(), before);
  assert.notEqual(await fake.getToken({ forceRefresh: true }), before);
  fake.denyNext("session_expired", { retryAfter: 3 });
  await assert.rejects(fake.getToken(), (error) => error instanceof TabardError && error.code === "session_expired" && error.retryAfter === 3);
  assert.equal(fake.state.status, "signed_out");
  fake.switchTo("lamna");
  fake.goOffline();
  fake.expireToken();
  await settle();
  assert.deepEqual([fake.state.status, fake.state.error.code], ["unavailable", "temporarily_unavailable"]);
});

test("a mistake of the test is named", () => {
  const fake = createFakeClient(dana);
  assert.throws(() => fake.switchTo("nosuch"), /no organization "nosuch": it has acme, globex, lamna, northwind/);
  assert.throws(() => fake.end(), /acts for no organization: it is choose/);
  assert.throws(() => fake.denyNext("No access"), /is no code/);
  assert.throws(() => fake.comeBack(), /the page was not left/);
  assert.throws(() => createFakeClient({ status: "ended" }), /drive the client/);
});

test("two fake clients have nothing in common, and a closed one answers nothing", async () => {
  const [one, other] = [createFakeClient(dana), createFakeClient(dana)];
  const states = [];
  const stop = one.subscribe(({ status }) => states.push(status));
  one.switchTo("acme");
  await settle();
  stop();
  one.end("revoked");
  assert.deepEqual([states, other.state.status], [["active"], "choose"]);
  one.close();
  await assert.rejects(one.getToken(), { code: "client_closed", action: "stop" });
});

const claimsOf = (token) => JSON.parse(atob(token.split(".")[1]));

test("the fake client has what the real one has", () => {
  set();
  const [real, fake] = [open(), createFakeClient(dana)];
  for (const [name, own] of [[real, fake], [real.inOrganization("acme"), fake.inOrganization("acme")]].flatMap(([of, other]) => Object.keys(of).map((key) => [key, typeof of[key] === typeof other[key]]))) {
    assert.ok(own, `the fake client's ${name}`);
  }
});

test("a lent token is narrower, goes to the borrower, and ends with the organization", async () => {
  page();
  const fake = createFakeClient({ ...dana, organization: "lamna" });
  fake.switchTo("lamna");
  const loan = await fake.lend({ permissions: ["notes:read"] }), borrowed = borrow(loan.port);
  const token = await borrowed.getToken(), { lent, org_slug, roles, permissions } = claimsOf(token);
  assert.deepEqual([lent, org_slug, roles, permissions], [true, "lamna", undefined, ["notes:read"]]);
  assert.equal(claimsOf(await fake.getToken()).lent, undefined, "it is kept apart from the tab's own");
  assert.equal(await borrowed.getToken(), token);
  fake.switchTo("acme");
  await new Promise((resolve) => borrowed.signal.addEventListener("abort", resolve));
  await assert.rejects(borrowed.getToken(), { code: "lent_ended" });
  const ended = await fake.lend({ permissions: ["notes:read"] }), second = borrow(ended.port);
  ended.end();
  await assert.rejects(second.getToken(), { code: "lent_ended" });
});

test("nothing is lent that the person may not do, or that the backend refuses", async () => {
  const fake = createFakeClient({ ...dana, organization: "acme" });
  await assert.rejects(fake.lend({ permissions: ["notes:write"] }), { code: "insufficient_permissions", action: "stop" });
  await assert.rejects(fake.lend({}), /lend needs permissions/);
  await assert.rejects(fake.lend({ permissions: ["notes:read"], scope: "all" }), /no option scope/);
  fake.denyNext("rate_limited");
  await assert.rejects(fake.lend({ permissions: ["notes:read"] }), { code: "rate_limited", action: "retry" });
  const narrower = await fake.getToken({ permissions: ["notes:read"], audience: "https://other.example/api" });
  assert.deepEqual([claimsOf(narrower).lent, claimsOf(narrower).aud], [true, "https://other.example/api"]);
  await assert.rejects(fake.getToken({ permissions: ["notes:write"] }), { code: "insufficient_permissions" });
  const second = await fake.inOrganization("globex").getToken({ permissions: ["notes:read"] });
  assert.deepEqual([claimsOf(second).org_slug, claimsOf(second).lent], ["globex", true]);
});

test("a fake client's WebSocket is the page's own, and is closed with the organization", async () => {
  page();
  const sockets = [];
  globalThis.WebSocket = class extends EventTarget {
    readyState = 1;
    sent = [];
    constructor(url) {
      super();
      this.url = url;
      sockets.push(this);
      setTimeout(() => this.onopen());
    }
    send(text) {
      const { token } = JSON.parse(text).tabard;
      this.sent.push(claimsOf(token).org_id);
      this.onmessage({ data: JSON.stringify({ tabard: { organization: claimsOf(token).org_id, expires_in: 300 } }) });
    }
    close(code, reason) {
      this.closed = [code, reason];
      this.dispatchEvent(Object.assign(new Event("close"), { code }));
    }
  };
  const fake = createFakeClient({ ...dana, organization: "acme" });
  const socket = await fake.connect("/live");
  assert.deepEqual([socket.url, socket.sent], ["wss://app.example/live", ["org_acme"]]);
  fake.switchTo("globex");
  assert.deepEqual(socket.closed, [4000, "organization_left"]);
  await assert.rejects(fake.connect("wss://evil.example/live"), /none of the client's apis/);
});

test("who signs in beside the others comes back as the tab's person", async () => {
  const fake = createFakeClient({ accounts: [people.alice, { ...people.bob, signedIn: false }] });
  assert.deepEqual([fake.state.status, fake.state.account], ["choose", "usr_alice"]);
  await fake.signIn({ account: "another" });
  assert.deepEqual(fake.departures, [{ to: "sign_in", account: "another" }]);
  fake.comeBack();
  assert.deepEqual([fake.state.status, fake.state.account, fake.state.user.name], ["active", "usr_bob", "Bob Keller"]);
  await fake.signIn({ account: "another" });
  assert.throws(() => fake.comeBack(), /signedIn: false/);
  await fake.signIn();
  fake.comeBack();
  assert.deepEqual((await fake.accounts()).map(({ id }) => id), ["usr_bob"]);
  assert.deepEqual(await createFakeClient(dana).accounts(), []);
  assert.throws(() => createFakeClient({ accounts: [people.alice], user: { id: "usr_x" } }), TypeError);
  assert.throws(() => createFakeClient({ accounts: [people.alice], account: "usr_x" }), /no account "usr_x"/);
});

test("a switch to an organization with an origin of its own leaves the page", async () => {
  const origins = { home: "https://app.example", pattern: "https://:organization.app.example" };
  const fake = createFakeClient({ ...dana, organization: "acme", origins });
  assert.deepEqual(fake.state.origins, origins);
  const { status, code } = await fake.switchOrganization("globex");
  assert.deepEqual([status, code, fake.state.organization.slug], ["leaving", "page_left", "acme"]);
  assert.equal((await fake.switchOrganization("acme")).status, "switched");
  assert.equal((await fake.switchOrganization("nosuch")).code, "organization_access_denied");
  assert.equal((await fake.switchOrganization("lamna")).status, "step_up_required");
  assert.equal((await fake.switchOrganization(null)).status, "leaving");
  fake.openTab("globex");
  assert.deepEqual(fake.departures, [
    { to: "origin", organization: "globex", url: "https://globex.app.example/" }, { to: "origin", url: "https://app.example/" },
    { to: "new_tab", organization: "globex", url: "https://globex.app.example/" },
  ]);
});

// @ts-nocheck
// The follower of the feed of endings: the table of scenarios that Go's follower runs too, on
// a clock of its own, and what is JavaScript's alone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";

import { SignJWT, exportJWK, generateKeyPair } from "jose";

import { follow } from "../follow.js";
import { createGuard, createVerifier } from "../index.js";
import { Endings } from "../src/endings.js";
import { createTestIssuer } from "../testing.js";

const { follower: scenarios, memory } = JSON.parse(readFileSync(new URL("../vectors/endings.json", import.meta.url), "utf8"));
const at = 1_800_000_000;

for (const { name, most, events, expects } of memory) {
  test(`memory: ${name}`, () => {
    const endings = new Endings(most);
    for (const { after, ...event } of events) endings.add({ reason: "", key: "", ...event }, after * 1000);
    for (const { claims, ended } of expects) assert.equal(endings.ended(claims), ended, JSON.stringify(claims));
    assert.ok(endings.size <= most);
  });
}

/** A feed, as the backend answers polls of it. The issuer's key is in the place of the workspace's. */
class Feed {
  events = [];
  head = 1;
  floor = 1;
  away = false;
  forged = false;
  asked = 0;

  constructor(issuer, keys, foreign, clock) {
    Object.assign(this, { issuer, keys, foreign, clock });
    for (let i = 0; i < 5; i++) this.write({ session: "ses_of_before" });
  }

  write(subject, key = "") {
    this.events.push({ number: ++this.head, subject, key });
  }

  fetch = async (url, init) => {
    if (!String(url).endsWith("/events/poll")) {
      const jwk = { ...(await exportJWK(this.keys.publicKey)), kid: "test", alg: "ES256", use: "sig" };
      return Response.json({ keys: [jwk] });
    }
    assert.equal(init.headers.Authorization, "Bearer tbk_1");
    const { after, returnImmediately } = JSON.parse(init.body);
    this.asked++;
    for (const end = this.clock() + 10_000; ; ) {
      if (this.away) throw new TypeError("away");
      const answer = await this.answer(after);
      if (Object.keys(answer.sets).length > 0 || answer.reset || returnImmediately || this.stuck || this.back || this.clock() > end) return Response.json(answer);
      await new Promise((resolve) => setTimeout(resolve, 250));
      init.signal?.throwIfAborted();
    }
  };

  async answer(after) {
    if (this.stuck && after !== null) return { sets: {}, after, moreAvailable: true };
    if (this.back && after !== null) return { sets: {}, after: after ^ 1, moreAvailable: false };
    if (after !== null && (after < this.floor || after > this.head)) return { sets: {}, after: this.floor, reset: true };
    const sets = {};
    let from = after ?? this.floor;
    for (const { number, subject, key } of this.events) {
      if (number <= from) continue;
      if (Object.keys(sets).length === 2) return { sets, after: from, moreAvailable: true };
      sets[`end_${number}`] = await this.sign(number, subject, key);
      from = number;
    }
    return { sets, after: from, moreAvailable: false };
  }

  sign(number, { session, user, organization, app }, key) {
    const opaque = (id) => id && { format: "opaque", id };
    const members = { session: opaque(session), user: user && { format: "iss_sub", iss: this.issuer, sub: user }, tenant: opaque(organization), application: opaque(app) };
    const type = key ? "https://github.com/tabard-auth/tabard/event-type/signing-key-withdrawn" : "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    const all = !session && !user && !organization && !app;
    return new SignJWT({
      iss: this.issuer, jti: `end_${number}`, iat: at, aud: "key_1", evt: number,
      sub_id: key ? opaque(key) : all ? { format: "uri", uri: this.issuer } : { format: "complex", ...members },
      events: { [type]: { event_timestamp: at, reason_admin: { en: "signed_out" }, ...(key && { kid: key }) } },
    }).setProtectedHeader({ alg: "ES256", kid: "test", typ: "secevent+jwt" }).sign(this.forged ? this.foreign.privateKey : this.keys.privateKey);
  }
}

/** Lets everything that is under way happen, signatures in other threads too. */
async function settle() {
  for (let i = 0; i < 8; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    await crypto.subtle.digest("SHA-256", new Uint8Array());
  }
}

/** A follower with its guard, whose time is the test's. */
async function following(t, options, prepare = () => {}) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  let now = 0;
  const clock = () => now, issuer = "https://app.example.com/auth", audience = "https://app.example.com/api";
  const keys = await generateKeyPair("ES256", { extractable: true }), foreign = await generateKeyPair("ES256");
  const feed = new Feed(issuer, keys, foreign, clock);
  prepare(feed);
  const verifier = createVerifier({ issuer, audience, fetch: feed.fetch, now: () => at * 1000, clock });
  const states = [];
  const follower = follow({ verifier, key: "tbk_1", fetch: feed.fetch, clock, onState: (following) => states.push(following), ...options });
  t.after(() => follower.close());
  const guard = createGuard(verifier, { ended: follower.ended, ready: follower.ready });
  const reason = async (evt, claims) => {
    const token = await new SignJWT({
      iss: issuer, sub: "usr_1", aud: audience, iat: at, exp: at + 300, jti: "j", client_id: "app", sid: "ses_1",
      org_id: "org_acme", org_slug: "acme", roles: [], permissions: [], amr: [], evt, ...claims,
    }).setProtectedHeader({ alg: "ES256", kid: "test", typ: "at+jwt" }).sign(keys.privateKey);
    return guard.admit(new Request("https://api.example.com/", { headers: { Authorization: `Bearer ${token}` } })).then(() => "", (error) => {
      if (error.reason === "endings_unknown") assert.equal(error.status, 503);
      return error.reason;
    });
  };
  const advance = async (seconds) => {
    const every = seconds > 60 ? 2000 : 50;
    for (let left = seconds * 1000; left > 0; left -= every) {
      now += every;
      mock.timers.tick(every);
      await settle();
    }
  };
  // The last minutes are read in three polls, which take as long as their signatures.
  const reading = () => options.background !== false && !feed.away && states.length === 0;
  for (let i = 0; i === 0 || (reading() && i < 100); i++) await settle();
  return { feed, follower, states, reason, advance };
}

for (const { name, steps, refuseCutOff, states } of scenarios) {
  test(`follower: ${name}`, async (t) => {
    const f = await following(t, { refuseCutOff }, (feed) => (feed.away = steps[0].do === "away"));
    for (const [i, step] of steps.entries()) {
      switch (step.do) {
        case "advance": await f.advance(step.seconds); break;
        case "write": f.feed.write(step.subject ?? {}, { theirs: "test", other: "k0" }[step.key]); break;
        case "away": f.feed.away = step.value; break;
        case "anew": Object.assign(f.feed, { events: [], head: step.number, floor: step.number - 1 }); break;
        case "stuck": case "back": Object.assign(f.feed, { [step.do]: step.value, asked: 0 }); break;
        case "asked": assert.ok(f.feed.asked <= step.number, `step ${i}: it asked ${f.feed.asked} times`); break;
        case "forged": f.feed.forged = step.value; break;
        case "expect": assert.equal(await f.reason(step.evt, step.claims), step.reason, `step ${i}: ${JSON.stringify(step)}`); break;
        default: assert.fail(step.do);
      }
    }
    if (states) assert.deepEqual(f.states, states);
  });
}

test("without a background, a request reads the feed if that was not done for half a second", async (t) => {
  const f = await following(t, { background: false });
  assert.equal(f.feed.asked, 0, "nothing runs before a request");
  assert.equal(await f.reason(6), "");
  const asked = f.feed.asked;
  f.feed.write({ user: "usr_1" });
  assert.equal(await f.reason(6), "", "it was read just now");
  assert.equal(f.feed.asked, asked);
  await f.advance(0.55);
  assert.equal(await f.reason(6), "session_ended");
  assert.equal(await f.reason(7), "");
  f.feed.away = true;
  await f.advance(29);
  assert.equal(await f.reason(7), "");
  assert.deepEqual(f.states, [true, false]);
});

test("a listener hears events in their order, until it ends that; close ends following", async (t) => {
  const f = await following(t, {}), heard = [];
  const end = f.follower.subscribe(({ number }) => heard.push(number));
  f.feed.write({ user: "usr_1" });
  f.feed.write({ session: "x" });
  await f.advance(1);
  end();
  f.feed.write({ session: "y" });
  await f.advance(1);
  assert.deepEqual(heard, [7, 8]);
  f.follower.close();
  await f.advance(1);
  const { asked } = f.feed;
  await f.advance(20);
  assert.equal(f.feed.asked, asked);
  assert.equal(await f.reason(6), "session_ended");
});

test("a follower needs a verifier and a key", async () => {
  const issuer = await createTestIssuer();
  assert.throws(() => follow({ verifier: createVerifier({ ...issuer }) }), /kind events/);
  assert.throws(() => follow({ key: "tbk_1" }), /verifier/);
});

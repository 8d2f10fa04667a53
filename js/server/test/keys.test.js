// @ts-nocheck
// Key sets: rotation, an issuer that is away, unknown keys, and organizations' own issuers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { exportJWK, generateKeyPair } from "jose";

import { createVerifier } from "../index.js";
import { KeySet } from "../src/keyset.js";
import { KeySets } from "../src/keysets.js";

const { publicKey } = await generateKeyPair("ES256");
const jwk = { ...(await exportJWK(publicKey)), alg: "ES256", use: "sig" };
const setOf = (...kids) => Response.json({ keys: kids.map((kid) => ({ ...jwk, kid })) });

/** An issuer whose answers and clock a test decides. */
function newIssuer(answer) {
  const issuer = { asked: [], answer, time: 0 };
  issuer.options = {
    clock: () => issuer.time,
    shared: true,
    fetch: async (url, init) => {
      issuer.asked.push(url);
      return issuer.answer(url, init);
    },
  };
  return issuer;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("keys are fetched once for all, and again at most every 10 s for an unknown id", async () => {
  const issuer = newIssuer(() => setOf("a"));
  const set = new KeySet("https://issuer/keys", issuer.options);
  const found = await Promise.all([set.publicKey("a"), set.publicKey("a"), set.publicKey("b")]);
  assert.deepEqual([!!found[0], found[0], found[2]], [true, found[1], undefined]);
  for (let i = 0; i < 100; i++) assert.equal(await set.publicKey(`forged-${i}`), undefined);
  assert.equal(issuer.asked.length, 1);
  issuer.time += 10_000;
  issuer.answer = () => setOf("a", "b");
  assert.ok(await set.publicKey("b"), "a rotated key is found after the pause");
  assert.equal(issuer.asked.length, 2);
});

test("a key that the issuer names is fetched at once, and after a withdrawal any within a second", async () => {
  const issuer = newIssuer(() => setOf("a"));
  const verifier = createVerifier({ issuer: "https://issuer", audience: "api", ...issuer.options });
  await verifier.publicKey("a");
  issuer.answer = () => setOf("b");
  assert.equal(await verifier.publicKey("b"), undefined, "a token causes no fetch within the pause");
  assert.ok(await verifier.namedKey("b"));
  verifier.withdraw("b");
  const asked = issuer.asked.length;
  assert.deepEqual([await verifier.namedKey("b"), issuer.asked.length], [undefined, asked]);
  issuer.answer = () => setOf("c");
  issuer.time += 1000;
  assert.ok(await verifier.publicKey("c"));
  issuer.time += 60_000;
  await verifier.publicKey("forged");
  issuer.answer = () => setOf("d");
  issuer.time += 9000;
  assert.equal(await verifier.publicKey("d"), undefined, "the hurry is over");
});

test("cached keys serve while the issuer is away, unknown ones are undecided", async () => {
  const issuer = newIssuer(() => setOf("a"));
  const set = new KeySet("https://issuer/keys", issuer.options);
  await set.publicKey("a");
  issuer.answer = () => new Response("", { status: 503 });
  for (const minutes of [11, 25, 600]) {
    issuer.time = minutes * 60_000;
    assert.ok(await set.publicKey("a"), `${minutes} minutes`);
    await settle();
  }
  await assert.rejects(set.publicKey("b"), /answers 503/);
  const asked = issuer.asked.length;
  await assert.rejects(set.publicKey("b"), /answers 503/);
  assert.equal(issuer.asked.length, asked, "at most every second");
  issuer.time += 1000;
  issuer.answer = () => setOf("b");
  assert.ok(await set.publicKey("b"));
  assert.equal(await set.publicKey("a"), undefined, "a withdrawn key is gone");
});

test("keys of ten minutes are refreshed in the background, of twenty before they serve", async () => {
  const issuer = newIssuer(() => setOf("a"));
  const set = new KeySet("https://issuer/keys", issuer.options);
  await set.publicKey("a");
  issuer.time = 10 * 60_000;
  issuer.answer = () => setOf("b");
  assert.ok(await set.publicKey("a"));
  await settle();
  await settle();
  assert.equal(await set.publicKey("a"), undefined);
  issuer.time += 20 * 60_000;
  issuer.answer = () => setOf("c");
  assert.equal(await set.publicKey("b"), undefined);
});

test("what is no key set replaces nothing", async () => {
  const issuer = newIssuer(() => setOf("a"));
  const set = new KeySet("https://issuer/keys", issuer.options);
  await set.publicKey("a");
  for (const answer of [
    () => new Response("<html>"), () => Response.json({ keys: [] }), () => new Response(" ".repeat(300 << 10)),
    () => Response.redirect("https://evil.example/keys"), () => { throw new TypeError("connection refused"); },
    () => Response.json(null), () => new Response(null, { status: 404 }),
  ]) {
    issuer.time += 60 * 60_000;
    issuer.answer = answer;
    assert.ok(await set.publicKey("a"));
    await settle();
    await assert.rejects(set.publicKey("b"));
  }
});

test("a broken key, one for encryption and one that does not fit its algorithm are passed over", async () => {
  const rsa = await exportJWK((await generateKeyPair("RS256", { modulusLength: 2048 })).publicKey);
  const issuer = newIssuer(() => Response.json({ keys: [
    { ...jwk, kid: "good" }, { ...jwk, kid: "no-y", y: undefined }, { ...jwk, kid: "enc", use: "enc" }, { ...jwk, kid: "no-alg", alg: undefined },
    { ...rsa, kid: "rsa", alg: "RS256" }, { ...rsa, kid: "misfit", alg: "ES256" }, { kty: "oct", k: "AAAA", kid: "oct", alg: "HS256" }, { ...jwk, kid: 7 }, null,
  ] }));
  const set = new KeySet("https://issuer/keys", issuer.options);
  assert.ok(await set.publicKey("good"));
  assert.ok(await set.publicKey("rsa"));
  for (const kid of ["no-y", "enc", "no-alg", "misfit", "oct", "7", ""]) assert.equal(await set.publicKey(kid), undefined, kid);
});

test("a request on Workers waits for no other, and only so many fetch at once", async () => {
  const pending = [];
  const issuer = newIssuer(() => new Promise((resolve) => pending.push(resolve)));
  const set = new KeySet("https://issuer/keys", { ...issuer.options, shared: false });
  const asked = Array.from({ length: 20 }, () => set.publicKey("a").then(() => "found", (error) => error.message));
  await settle();
  assert.equal(issuer.asked.length, 16);
  pending.at(-1)(setOf("a")); // the first request was canceled: its answer never comes
  assert.equal(await asked[15], "found");
  assert.match(await asked[19], /too many requests/);
  assert.ok(await set.publicKey("a"));
  pending.forEach((resolve) => resolve(setOf("a")));
  await Promise.all(asked);
});

test("a thousand made-up organizations do not stop a true one", async () => {
  const pending = [];
  const issuer = newIssuer((url) => url.includes("org_true") ? setOf("a") : new Promise((resolve) => pending.push(resolve)));
  const sets = new KeySets("https://issuer", issuer.options);
  const forged = Array.from({ length: 1200 }, (_, i) => sets.publicKey(`org_${i}`, "a").then((key) => key, (error) => error.message));
  const real = sets.publicKey("org_true", "a");
  await settle();
  const atOnce = issuer.asked.length;
  while (pending.length > 0) {
    pending.shift()(new Response("", { status: 404 }));
    await settle();
  }
  assert.equal(atOnce, 16, "a few at once");
  assert.equal(issuer.asked[16], "https://issuer/o/org_true/.well-known/jwks.json", "the most recently requested is first");
  assert.ok(await real);
  const answers = await Promise.all(forged);
  assert.equal(answers.filter((answer) => answer === undefined).length + answers.filter((answer) => /too many/.test(answer ?? "")).length, 1200);
  const asked = issuer.asked.length;
  assert.equal(await sets.publicKey("org_1199", "a"), undefined);
  assert.equal(issuer.asked.length, asked, "a miss is remembered");
});

test("an issuer that answers late is given up after five seconds", { timeout: 30_000 }, async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const issuer = newIssuer(() => new Promise(() => {}));
  const waiting = new KeySet("https://issuer/keys", issuer.options).publicKey("a");
  t.mock.timers.tick(5000);
  await assert.rejects(waiting, /no answer in time/);
});

test("key sets are read as Go reads them", async () => {
  const table = JSON.parse(readFileSync(new URL("../vectors/keysets.json", import.meta.url), "utf8"));
  assert.ok(table.length > 60);
  for (const { name, text, kids } of table) {
    const set = new KeySet("https://issuer/keys", newIssuer(() => new Response(text)).options);
    for (const kid of ["a", "good", "\uFFFD", "5", "bad"]) {
      const found = await set.publicKey(kid).then((key) => !!key, () => undefined);
      assert.equal(found, kids.length ? kids.includes(kid) : undefined, `${name}: ${kid}`);
    }
  }
});

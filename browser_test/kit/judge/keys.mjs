// An independent judge of signing keys: jose, as an API uses it, at a time that it is
// told. It reads one JSON object a line and answers each with one.
import { createInterface } from "node:readline";

import { createRemoteJWKSet, jwtVerify } from "jose";

let now = 0;
Date.now = () => now * 1000; // the age of what it fetched counts by this too
const sets = new Map(); // by address, each with the cache of its own

for await (const line of createInterface({ input: process.stdin })) {
  const { judge } = JSON.parse(line);
  now = judge.now;
  if (!sets.has(judge.keys)) sets.set(judge.keys, createRemoteJWKSet(new URL(judge.keys)));
  try {
    await jwtVerify(judge.token, sets.get(judge.keys), {
      issuer: judge.issuer, audience: judge.audience, typ: "at+jwt", currentDate: new Date(now * 1000),
    });
    console.log("{}");
  } catch (problem) {
    console.log(JSON.stringify({ refused: String(problem) }));
  }
}

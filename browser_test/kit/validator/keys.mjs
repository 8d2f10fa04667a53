// An independent validator of signing keys: jose, as an API uses it, at a time that it is
// told. It reads one JSON object a line and answers each with one.
import { createInterface } from "node:readline";

import { createRemoteJWKSet, jwtVerify } from "jose";

let now = 0;
Date.now = () => now * 1000; // the age of what it fetched counts by this too
const sets = new Map(); // by address, each with the cache of its own

for await (const line of createInterface({ input: process.stdin })) {
  const { validate: question } = JSON.parse(line);
  now = question.now;
  if (!sets.has(question.keys)) sets.set(question.keys, createRemoteJWKSet(new URL(question.keys)));
  try {
    await jwtVerify(question.token, sets.get(question.keys), {
      issuer: question.issuer, audience: question.audience, typ: "at+jwt", currentDate: new Date(now * 1000),
    });
    console.log("{}");
  } catch (problem) {
    console.log(JSON.stringify({ refused: String(problem) }));
  }
}

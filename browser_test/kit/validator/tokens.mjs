// Independent validators of access tokens: jose and oauth4webapi, each asked as its
// documentation says. Reads one JSON object a line and answers each with one.
import { createInterface } from "node:readline";

import * as jose from "jose";
import * as oauth from "oauth4webapi";

const algorithms = ["ES256", "EdDSA"];

const validators = {
  async jose({ raw, issuer, audience, keys, now, leeway }) {
    await jose.jwtVerify(raw, jose.createLocalJWKSet(keys), {
      issuer, audience, algorithms, typ: "at+jwt", clockTolerance: leeway,
      currentDate: new Date(now * 1000), requiredClaims: ["exp", "iat", "sub"],
    });
  },
  async oauth4webapi({ raw, issuer, audience, keys, now, leeway }) {
    Date.now = () => now * 1000;
    const request = new Request("https://api.example.com/", { headers: { Authorization: `Bearer ${raw}` } });
    await oauth.validateJwtAccessToken({ issuer, jwks_uri: "https://app.example.com/jwks.json" }, request, audience, {
      signingAlgorithms: algorithms, [oauth.clockTolerance]: leeway,
      [oauth.customFetch]: async () => Response.json(keys),
    });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { validate: question } = JSON.parse(line);
  const answer = {};
  for (const [name, validate] of Object.entries(validators)) {
    try {
      await validate(question);
      answer[name] = "";
    } catch (problem) {
      answer[name] = String(problem);
    }
  }
  console.log(JSON.stringify(answer));
}

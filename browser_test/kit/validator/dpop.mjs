// An independent validator of DPoP: oauth4webapi makes proofs, and validates requests as a
// resource server does. It reads one JSON object a line and answers each with one.
import { createInterface } from "node:readline";

import * as oauth from "oauth4webapi";

const insecure = { [oauth.allowInsecureRequests]: true }; // loopback has no TLS
const keys = await oauth.generateKeyPair("ES256");
const handle = oauth.DPoP({ client_id: "validator" }, keys);

/** Makes a request with a bound token, and tells its headers. */
async function make({ method, url, token }) {
  let sent;
  const customFetch = async (_, { headers }) => {
    sent = headers;
    return new Response();
  };
  await oauth.protectedResourceRequest(token, method, new URL(url), undefined, undefined, {
    DPoP: handle, [oauth.customFetch]: customFetch, ...insecure,
  });
  const { authorization, dpop } = sent instanceof Headers ? Object.fromEntries(sent) : sent;
  return { authorization, dpop, jkt: await handle.calculateThumbprint() };
}

/** Validates a request by the issuer's keys. */
async function validate({ issuer, keys, audience, method, url, authorization, dpop }) {
  const headers = new Headers();
  if (authorization) headers.set("Authorization", authorization);
  if (dpop) headers.set("DPoP", dpop);
  try {
    await oauth.validateJwtAccessToken({ issuer, jwks_uri: keys }, new Request(url, { method, headers }), audience, insecure);
    return {};
  } catch (problem) {
    return { refused: String(problem) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { make: request, validate: asked } = JSON.parse(line);
  console.log(JSON.stringify(request ? await make(request) : await validate(asked)));
}

// @ts-nocheck
// What the APIs of this folder share: a guard and a rule for each vector, which a request names in the header X-Vector.

import { createGuard, createVerifier } from "@tabard/server";

/**
 * @param tokens tokens.json
 * @param requests requests.json
 * @returns a function from the header to what the request must meet
 */
export function createDoors(tokens, requests) {
  const made = new Map();
  return (vector) => {
    if (!made.has(vector)) made.set(vector, vector === "tokens" || vector === "organizations" ? ofTokens(tokens, vector) : ofRequest(requests, requests.vectors[vector]));
    return made.get(vector);
  };
}

const ofTokens = (file, kind) => ({ guard: createGuard(verifierOf(file, { organizations: kind === "organizations" })), rule: { lent: true } });

function ofRequest(file, { rule: { max_age: maxAge, ...rule }, row, unreachable }) {
  const guard = createGuard(verifierOf(file, { unreachable }), { baseURL: file.base_url, ended: ({ sid }) => file.ended.includes(sid) });
  return { guard, rule: { ...rule, maxAge }, row };
}

function verifierOf(file, { organizations = false, unreachable = false }) {
  return createVerifier({
    issuer: file.issuer, audience: file.audience, leeway: file.leeway, now: () => file.now * 1000, organizations,
    dedicated: organizations ? (id) => file.dedicated.includes(id) : undefined,
    fetch: async (url) => {
      const keys = unreachable ? undefined : file.keys[url];
      return keys ? Response.json(keys) : new Response("", { status: 404 });
    },
  });
}

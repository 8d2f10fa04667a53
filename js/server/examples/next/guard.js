// The guard and the notes of the whole process: Next may load a module once for each route.

import { createGuard, createVerifier, logTo } from "@tabard/server";

import { Notes } from "./notes.js";

const start = () => {
  const { ISSUER, AUDIENCE, BASE_URL } = process.env;
  return { guard: createGuard(createVerifier({ issuer: ISSUER, audience: AUDIENCE }), { baseURL: BASE_URL, record: logTo() }), notes: new Notes() };
};

/** What routes share. Variables are read when the first request comes, not when Next builds. */
export const shared = () => (globalThis.example ??= start());

/** Is `protect` with that guard. */
export const guarded = (protect, rule, handler) => (request, context) => protect(shared().guard, rule, handler)(request, context);

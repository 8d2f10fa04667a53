import { protect } from "@tabard/server/next";

import { guarded, shared } from "../../../../../guard.js";

const rule = { organization: "organization" };

export const GET = guarded(protect, rule, async (_, { params, tabard }) => {
  const note = shared().notes.find(tabard.organization, (await params).note);
  return note ? Response.json(note) : new Response(null, { status: 404 });
});

export const DELETE = guarded(protect, rule, async (_, { params, tabard }) =>
  new Response(null, { status: shared().notes.remove(tabard.organization, (await params).note) ? 204 : 404 }));

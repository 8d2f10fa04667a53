import { protect } from "@tabard/server/next";

import { guarded, shared } from "../../../../guard.js";

const rule = { organization: "organization" };

export const GET = guarded(protect, rule, (_, { tabard }) => Response.json(shared().notes.list(tabard.organization)));

export const POST = guarded(protect, rule, async (request, { tabard }) =>
  Response.json(shared().notes.add(tabard.organization, (await request.json()).text), { status: 201 }));

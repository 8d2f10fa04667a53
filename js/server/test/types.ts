// The declarations, as a strict project uses them.

import express from "express";
import fastify from "fastify";
import { Hono } from "hono";

import { createGuard, createVerifier, logTo, refusalOf, refuse, renewalUrl, TokenError, type Claims, type Reason } from "@tabard/server";
import { protect as expressProtect, refuse as expressRefuse } from "@tabard/server/express";
import { protect as fastifyProtect, refuse as fastifyRefuse } from "@tabard/server/fastify";
import { protect as honoProtect, type TabardVariables } from "@tabard/server/hono";
import { protect as nextProtect } from "@tabard/server/next";
import { createTestIssuer } from "@tabard/server/testing";

interface Env { AUTH: { fetch(input: string, init?: RequestInit): Promise<Response> } }
declare const env: Env;

const verifier = createVerifier({
  issuer: "https://app.example.com/auth", audience: "https://app.example.com/api", fetch: env.AUTH, organizations: true,
  dedicated: (organization) => organization === "org_acme",
});
const guard = createGuard(verifier, { baseURL: "https://api.example.com", record: logTo(), ended: async ({ sid }) => sid === "" });
const rule = { organization: "organization", permissions: ["notes:read"], maxAge: 300, acr: ["mfa"] };

export default { fetch: guard.protect(rule, async (request, { claims, organization, match }) => {
  await match(organization);
  return Response.json([request.url, claims.sub, claims.cnf?.jkt]);
}) };

export const GET = nextProtect(guard, rule, async (_request: Request, { params, tabard }: { params: Promise<{ organization: string }>; tabard: { organization: string } }) =>
  Response.json([(await params).organization, tabard.organization]));

const app = express();
app.get("/organizations/:organization/notes", expressProtect(guard, rule), (request, response) => void response.send(request.tabard?.organization));
app.use(expressRefuse);

const server = fastify();
server.setErrorHandler(fastifyRefuse);
server.get("/organizations/:organization/notes", { onRequest: fastifyProtect(guard, rule) }, async () => "notes");

const hono = new Hono<{ Variables: TabardVariables }>();
hono.get("/organizations/:organization/notes", honoProtect(guard, rule), (c) => c.text(c.get("tabard").organization));

export async function renewal(token: string): Promise<Response> {
  const { claims, error } = await verifier.inspect(token);
  if (claims && error?.reason === "expired") return Response.redirect(renewalUrl(claims, "/notes"), 303);
  return error ? refuse(error) : Response.json(claims);
}

export const status = (error: unknown): number => (error instanceof TokenError ? refusalOf(error).status : 500);
export const reasons: Reason[] = ["expired", "no_token"];
// @ts-expect-error there is no such reason
export const wrong: Reason = "late";
// @ts-expect-error claims are read only
export const change = (claims: Claims): void => void (claims.org_id = "org_globex");
// @ts-expect-error the audience is not optional
createVerifier({ issuer: "https://app.example.com/auth" });

void createTestIssuer().then(async (issuer) => verifier.verify(await issuer.token("org_acme", { roles: ["editor"] })));

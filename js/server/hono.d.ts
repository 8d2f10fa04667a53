import type { Admission, Guard, Rule } from "./index.js";

/** The variables of an app's context: `new Hono<{ Variables: TabardVariables }>()`. */
export interface TabardVariables {
  tabard: Admission;
}

/** What of a Hono context is used. */
export interface HonoContext {
  req: { raw: Request; routePath: string; param(): any };
  res: any;
  error?: Error | undefined;
  set(name: "tabard", value: Admission): void;
}

/**
 * Middleware for Hono that lets requests pass which a rule allows, with `c.get("tabard")`, and
 * answers the others. `rule.organization` names a parameter of the route. Handlers refuse by
 * throwing, as `await c.get("tabard").match(row.organization)` does.
 */
export function protect(guard: Pick<Guard, "admit">, rule?: Rule): (c: any, next: () => Promise<void>) => Promise<Response | undefined>;

import type { Admission, Guard, Rule } from "./index.js";

/** The second argument of a protected route handler. */
export interface TabardContext<Params> {
  params: Promise<Params>;
  tabard: Admission;
}

/**
 * Protects a route handler of Next's app router: requests that a rule allows reach the handler,
 * with `context.tabard`, and the others are answered. `rule.organization` names a dynamic
 * segment. Handlers refuse by throwing, as `await tabard.match(row.organization)` does.
 */
export function protect<R extends Request, Params>(
  guard: Pick<Guard, "admit" | "answer">,
  rule: Rule,
  handler: (request: R, context: TabardContext<Params>) => Response | Promise<Response>,
): (request: R, context: { params: Promise<Params> }) => Promise<Response>;

/**
 * Why a token or a request was refused. Reasons are stable, and the same as those of the Go
 * packages `backend/token` and `backend/resource`.
 *
 * Not authentic, so that none of its content may be trusted: `malformed`, `wrong_type`,
 * `wrong_issuer`, `unknown_key`, `bad_signature`, `wrong_audience`, `missing_claim`; undecided:
 * `keys_unavailable`, `endings_unknown`. Authentic, but it does not authorize: `expired`, `not_yet_valid`,
 * `session_ended`, `wrong_organization`, `proof_required`, `invalid_proof`, `insufficient_scope`,
 * `insufficient_user_authentication`. `no_token`: the request carries none.
 * `invalid_link`: the link is missing, altered, expired or another request's.
 */
export type Reason =
  | "malformed" | "wrong_type" | "wrong_issuer" | "unknown_key" | "bad_signature" | "wrong_audience" | "missing_claim"
  | "keys_unavailable" | "endings_unknown" | "expired" | "not_yet_valid" | "session_ended" | "wrong_organization" | "proof_required"
  | "invalid_proof" | "insufficient_scope" | "insufficient_user_authentication" | "no_token" | "invalid_link";

/** The party that acts for a token's subject (RFC 8693 section 4.1): an app's server, or the subject itself as staff. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** An access token's claims. Times are Unix seconds. */
export interface Claims {
  readonly iss: string;
  /** The person. */
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf?: number;
  readonly jti: string;
  /** The app. */
  readonly client_id: string;
  /** The session. It is not a credential. */
  readonly sid: string;
  /** The organization, by id: bind rows by it. */
  readonly org_id: string;
  readonly org_slug: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  /** When the person authenticated; absent if the provider does not say. */
  readonly auth_time?: number;
  readonly acr?: string;
  readonly amr: readonly string[];
  readonly act?: Actor;
  /** The number of the feed of endings when the token was made. */
  readonly evt?: number;
  /** The key that the token is bound to (RFC 9449 section 6). */
  readonly cnf?: { readonly jkt: string };
  /** Marks a token that is narrower than that of the person's tab: it has no roles, and opens only resources that demand one of its permissions. */
  readonly lent?: boolean;
  /** Claims that the app's settings add. */
  readonly [claim: string]: unknown;
}

/** The demands of a resource on a valid token, besides its organization. */
export interface Demand {
  /** Permissions must all be in the token. */
  permissions?: readonly string[];
  /** The maximum time since the person authenticated, in seconds. A token without `auth_time` never meets one. */
  maxAge?: number;
  /** Authentication contexts, one of which is enough. */
  acr?: readonly string[];
  /** Opens the route to lent tokens although it demands no permission. */
  lent?: boolean;
}

/** The error of a refused token or request. */
export class TokenError extends Error {
  constructor(reason: Reason, details?: { cause?: unknown; demand?: Demand; bound?: boolean; organization?: string });
  readonly name: string;
  readonly reason: Reason;
  /** The unmet demand of `insufficient_scope` and `insufficient_user_authentication`. */
  readonly demand?: Demand;
  /** Whether the token is bound to a key: its scheme is DPoP, not Bearer. */
  readonly bound: boolean;
  /** The organization of the token, if it is authentic. */
  readonly organization?: string;
  /** The answer's status, as {@link refusalOf} has it. */
  readonly status: number;
  readonly statusCode: number;
}

/** Fetches key sets: a function like `fetch`, or a Worker's service binding. */
export type Fetcher = ((input: string, init?: RequestInit) => Promise<Response>) | { fetch(input: string, init?: RequestInit): Promise<Response> };

export interface VerifierOptions {
  /** The backend's public URL. */
  issuer: string;
  /** The API's, as the app names it in the workspace file. */
  audience: string;
  /** Accept also tokens of organizations with a signing key of their own, whose issuer is `{issuer}/o/{org_id}`. */
  organizations?: boolean;
  /** Whether an organization's tokens must come from its own issuer: the workspace's key then signs none for it. */
  dedicated?: (organizationId: string) => boolean;
  /** The allowlist, of ES256, EdDSA and RS256. The default is the first two. */
  algorithms?: readonly ("ES256" | "EdDSA" | "RS256")[];
  /** The accepted difference between clocks in seconds, 60 at most. The default is 30. */
  leeway?: number;
  /** Where the workspace's keys are, if not at `{issuer}/.well-known/jwks.json`. */
  jwksUri?: string;
  /** How keys are fetched. The default is the global `fetch`; on Workers a service binding serves too. */
  fetch?: Fetcher;
  /** The time in milliseconds. The default is `Date.now`. */
  now?: () => number;
}

/** Verifies access tokens. It caches keys: create one for the process. */
export interface Verifier {
  /**
   * Returns the claims of a token that authorizes by itself: authentic, of this issuer and
   * audience, within its time, and not bound to a key. It rejects every other token with a
   * {@link TokenError}. Compare `org_id` with the organization of the resource; `verifyFor` does both.
   */
  verify(token: string): Promise<Claims>;
  /** Is `verify` for a resource of one organization, given by id or slug. */
  verifyFor(token: string, organization: string): Promise<Claims>;
  /**
   * Returns the claims of an authentic token, expired or not, and why it does not authorize. It
   * returns no claims of a token that is not authentic. The claims do not authorize: they serve
   * to choose where a renewal leads and to write a log.
   */
  inspect(token: string): Promise<Inspected>;
}

/** The answer of {@link Verifier.inspect}: of a valid token, of an authentic one that does not authorize, of any other. */
export type Inspected =
  | { claims: Claims; error?: undefined }
  | { claims: Claims; error: TokenError }
  | { claims?: undefined; error: TokenError };

export function createVerifier(options: VerifierOptions): Verifier;

/** The condition of access to a route. */
export interface Rule extends Demand {
  /**
   * The name of the route's parameter that holds the resource's organization, by id or slug. If
   * it is not set, every request is refused. Without a name, tokens of every organization pass:
   * the handler serves the token's own, or compares it by {@link Admission.match}.
   */
  organization?: string;
  /** The route as it is recorded. */
  route?: string;
}

export type Outcome = "allowed" | "refused" | "alarm";

/** One request's entry for monitoring. It contains no token. */
export interface Record {
  /** `alarm`: an authentic token of another organization than the resource's. */
  outcome: Outcome;
  /** Why it was refused, or "". */
  reason: Reason | "";
  /** A hash of the session's id, the same in all services. It and `tokenOrganization` are empty if the token is not authentic. */
  session: string;
  tokenOrganization: string;
  /** The party that acts for the token's subject, if it is not just the person; `staff` of the operator's. */
  actor: string;
  staff: boolean;
  /** The id or slug in the path. */
  resourceOrganization: string;
  method: string;
  route: string;
}

export interface GuardOptions {
  /**
   * What precedes a request's path in the address that clients know, such as
   * `https://api.example.com`. The proofs of bound tokens are compared with it, never with the
   * request's Host. Without it, bound tokens are refused.
   */
  baseURL?: string;
  /** Is called once for each request. {@link logTo} returns one. */
  record?: (record: Record) => void | Promise<void>;
  /** Whether the session or organization session of a valid token has ended since it was minted. */
  ended?: (claims: Claims) => boolean | Promise<boolean>;
  /** Throws or rejects while `ended` cannot tell: valid tokens are then answered with 503. A follower's `ready` does. */
  ready?: () => void | Promise<void>;
}

/** The parts of a request that are read. */
export interface RequestLike {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** A request that a guard let pass. */
export interface Admission {
  readonly claims: Claims;
  /** The id of the organization that the request acts for. */
  readonly organization: string;
  /** The request as handlers read it: its entity tags are as they set them. */
  readonly request: Request;
  /**
   * Compares the organization of a resource, by id, with the one that the request acts for. It
   * is for resources whose organization is known only after they were read. A mismatch is
   * recorded as an alarm and rejects with a {@link TokenError} for {@link refuse}.
   */
  match(organizationId: string | null | undefined): Promise<void>;
  /**
   * Returns the handler's answer, which says whose it is: with `Tabard-Organization`, entity tags
   * of this organization and person, and `Cache-Control: no-store` unless the handler set another.
   */
  respond(response: Response): Response;
}

/** Lets requests with a valid access token pass. It remembers proofs: create one for the process. */
export interface Guard {
  /**
   * Protects a handler of Fetch requests. Further arguments are handed on; the first one's
   * `params` are the route's. Handlers refuse by throwing, as `await admission.match(…)` does.
   */
  protect(
    rule: Rule,
    handler: (request: Request, admission: Admission, ...rest: any[]) => Response | Promise<Response>,
  ): (request: Request, ...rest: any[]) => Promise<Response>;
  /** Is `protect` for handlers that write refusals themselves. It rejects with a {@link TokenError}. */
  admit(request: Request, rule?: Rule, params?: { [name: string]: string | string[] | undefined }): Promise<Admission>;
  /** Answers by a handler, and what was refused by {@link refuse}. */
  answer(admit: () => Promise<Admission>, handler: (admission: Admission) => Response | Promise<Response>): Promise<Response>;
  /** Returns the claims of a request's valid token, with its proof where it is bound. Compare `org_id` with the resource's. */
  verify(request: RequestLike): Promise<Claims>;
}

export function createGuard(verifier: Verifier, options?: GuardOptions): Guard;

/** The answer to a refused request. */
export interface Refusal {
  status: number;
  /** Stable: one of RFC 6750, 9449 or 9470, `organization_mismatch`, `invalid_link`, or `temporarily_unavailable`. */
  code: string;
  reason: Reason;
  /** The value of WWW-Authenticate, or "". */
  challenge: string;
  /** Seconds until another attempt is of use; 0 means never. */
  retryAfter: number;
  /** The token's organization, if it is authentic. */
  organization?: string;
}

export function refusalOf(error: TokenError): Refusal;

/** Answers a refused request by {@link refusalOf}. */
export function refuse(error: TokenError): Response;

/**
 * Returns the address that a server sends a browser to if its access token has expired but is
 * authentic ({@link Verifier.inspect}): the sign-in for the token's organization, even if the
 * person belongs to others. `returnTo` is a path of the app or an address on one of its origins;
 * it should name the organization. The claims only choose where the person arrives.
 */
export function renewalUrl(claims: Claims, returnTo: string): string;

/** Reports whether the token carries a permission. */
export function allows(claims: Claims, permission: string): boolean;

/** Reports whether the token is for an organization, given by id or slug. */
export function serves(claims: Claims, organization: string | null | undefined): boolean;

/** Reports whether the subject acts as staff of the operator, directly or through a server. */
export function byStaff(claims: Claims): boolean;

/** Returns a {@link GuardOptions.record} that writes to a log: allowed at debug level, refused at info, alarms at error. */
export function logTo(log?: Pick<Console, "debug" | "info" | "error">): (record: Record) => void;

import type { Client, TabardError } from "../index.js";
import type { State } from "./state.js";

/**
 * The action after an error, from its code alone: wait and `retry`; call {@link Client.signIn};
 * offer the organization's `step_up` ({@link Client.switchOrganization}, then `continue()`); `choose` one of the
 * accounts; or `stop`: it will not work.
 */
export type Action = "retry" | "sign_in" | "step_up" | "choose" | "stop";

/**
 * The stable codes. A backend of a later release may have further ones: {@link Action} is known for each.
 *
 * - To `retry`: `temporarily_unavailable`, `rate_limited` and `server_error` of the backend or the way to it;
 *   `request_too_old`, `use_dpop_nonce` and `invalid_dpop_proof` of a request; `access_denied` where the person canceled
 *   the sign-in; `overtaken` of a call that a later one replaced.
 * - To `sign_in`: `login_required`, `session_expired`, `session_revoked`, `refresh_token_reused`, `device_key_required`,
 *   `device_key_mismatch`.
 * - To `step_up`: `insufficient_user_authentication`, `organization_session_expired`; `origin_not_joined` of a page whose
 *   origin has no session yet, in a browser that is signed in at another one; `popup_blocked`, `step_up_canceled` and
 *   `step_up_timeout` of a window for it, and `popup_unsupported` where the backend is of an earlier release.
 * - To `choose`: `account_required`, where several people are signed in in the browser.
 * - To `stop`: `account_mismatch` of a sign-in from which somebody else came back, `account_limit_reached` of one person too
 *   many in the browser; `organization_access_denied`, `organization_required`, `identity_changed`, `origin_not_allowed`,
 *   `auth_time_missing`, `authentication_not_renewed`, `staff_access_forbidden`, `connection_disabled`, `not_found`, `conflict`, `invalid_request`;
 *   `session_limit_reached` of a sign-in in one browser too many; `insufficient_permissions` of a lent token; `organization_mismatch` of an answer for another
 *   organization, `organization_unnamed` of one that does not say for which; `switch_declined` and `navigation_blocked`
 *   of a switch that the page kept, and `page_left` of one that leaves the page; `client_closed`, `in_frame`, `not_in_browser`, `organization_left` of a request
 *   whose organization the tab has left. Of the setup: `no_webassembly`, `webassembly_blocked`, `connection_blocked`,
 *   `script_blocked`, `cookies_blocked`, `insecure_context`, `page_without_origin`, `mixed_content`, `wrong_protocol`,
 *   `backend_not_found`, `not_the_backend`, `backend_redirected`, `password_before_backend`, `path_not_found`, `cors_blocked`,
 *   `preflight_blocked`, `module_not_found`, `module_damaged`, `module_wrong_type`, `compressed_twice`, `public_url_mismatch`,
 *   `fetch_replaced`.
 *   Of a sign-in: `invalid_response`, `unmet_authentication_requirements`,
 *   and the codes of the provider.
 */
export type Code =
  | "temporarily_unavailable" | "rate_limited" | "server_error" | "request_too_old" | "use_dpop_nonce" | "invalid_dpop_proof"
  | "access_denied" | "overtaken" | "page_left" | "client_closed"
  | "login_required" | "session_expired" | "session_revoked" | "refresh_token_reused" | "device_key_required" | "device_key_mismatch"
  | "insufficient_user_authentication" | "organization_session_expired" | "origin_not_joined"
  | "account_required" | "account_mismatch" | "account_limit_reached"
  | "organization_access_denied" | "organization_required" | "identity_changed" | "origin_not_allowed" | "auth_time_missing" | "authentication_not_renewed"
  | "staff_access_forbidden" | "connection_disabled" | "not_found" | "conflict" | "invalid_request" | "session_limit_reached" | "insufficient_permissions"
  | "organization_mismatch" | "organization_unnamed" | "switch_declined" | "navigation_blocked" | "in_frame" | "not_in_browser"
  | "organization_left" | "popup_blocked" | "popup_unsupported" | "step_up_canceled" | "step_up_timeout"
  | "no_webassembly" | "webassembly_blocked" | "connection_blocked" | "cookies_blocked" | "insecure_context" | "mixed_content"
  | "script_blocked" | "page_without_origin" | "wrong_protocol" | "backend_not_found" | "not_the_backend" | "backend_redirected"
  | "password_before_backend" | "path_not_found" | "cors_blocked" | "preflight_blocked" | "module_not_found" | "module_damaged"
  | "module_wrong_type" | "compressed_twice" | "public_url_mismatch" | "fetch_replaced"
  | "invalid_response" | "unmet_authentication_requirements" | "consent_required" | "interaction_required"
  | "account_selection_required" | "invalid_scope" | "unauthorized_client" | "unsupported_response_type";

/** A refusal or a fault, as {@link State.error} and {@link TabardError} tell it. */
export interface Problem {
  readonly code: Code;
  readonly action: Action;
  /** For people who read logs; may change. */
  readonly description: string;
  /** The least time to wait before asking again, in seconds. */
  readonly retryAfter?: number | undefined;
  /** Why the organization session ended, where one did. */
  readonly reason?: Ending;
}

/**
 * Why an organization session ended: the person did nothing for too long (`idle`), was there for as long as the
 * organization allows (`expired`), signed out of it (`signed_out`), went on in another browser (`superseded`), an
 * administrator ended it (`revoked`), the identity provider no longer knows the person (`provider_refused`), or their
 * access was taken away and has returned (`removed`). After `idle`, `expired`, `revoked` and `provider_refused`,
 * entering it again takes a step-up.
 */
export type Ending =
  | "idle" | "expired" | "signed_out" | "superseded" | "revoked" | "provider_refused" | "removed" | "session_limit";

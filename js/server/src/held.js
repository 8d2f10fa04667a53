// @ts-check

import { TokenError } from "./error.js";
import { readJSON } from "./json.js";
import { refusalOf } from "./refusal.js";

/** The error of a connection whose first message is not its token. */
export class NoCredential extends Error {
  constructor() {
    super("the first message is not the access token");
  }
}

/** The error of a renewal by a token of another session, organization, audience or key. */
export class OtherToken extends Error {
  constructor() {
    super("the token is of another session, organization, audience or key");
  }
}

/** Of a message with a token, and the most bytes of a close frame's reason (RFC 6455 section 5.5). */
const maxCredential = 16 << 10, maxReason = 123;

/** What begins the messages of the protocol in both directions. All others are the application's. */
const prefix = `{"tabard":`;

/**
 * Reports whether a message is meant to have a token. One that is written otherwise than clients do is read by none, and is
 * not handed to the application, which may log it.
 * @param {unknown} data
 * @returns {data is string}
 */
export const isCredential = (data) => typeof data === "string" && /^[ \t\r\n]*\{[ \t\r\n]*"tabard"/.test(data);

/**
 * Reads a message with a token.
 * @param {unknown} data
 * @returns {{token: string, proof: string}}
 */
export function readCredential(data) {
  try {
    if (typeof data !== "string" || data.length > maxCredential || !data.startsWith(prefix)) throw new NoCredential();
    const { token, proof = "" } = readJSON(new TextEncoder().encode(data)).object?.members.tabard ?? {};
    if (typeof token !== "string" || !token || typeof proof !== "string") throw new NoCredential();
    return { token, proof };
  } catch {
    throw new NoCredential();
  }
}

/**
 * The code and the reason of the close frame for an error: 4000 plus the status that a request
 * would have been answered with, and a stable code, which the parameters of a challenge follow.
 * @param {unknown} error
 */
export function closing(error) {
  if (error instanceof NoCredential) return { code: 4401, reason: "no_token" };
  if (error instanceof OtherToken) return { code: 4403, reason: "renewal_mismatch" };
  if (!(error instanceof TokenError)) return { code: 4503, reason: "temporarily_unavailable" };
  const { status, code, reason, challenge } = refusalOf(error);
  if (reason === "no_token") return { code: 4401, reason };
  return { code: 4000 + status, reason: textOf(code, reason, challenge) };
}

/**
 * @param {string} code
 * @param {string} reason
 * @param {string} challenge
 */
function textOf(code, reason, challenge) {
  if (reason === "insufficient_scope" || reason === "wrong_organization") return code;
  if (reason !== "insufficient_user_authentication") return `${code} ${reason}`;
  const text = `${code} ${challenge.split(`"${code}", `)[1] ?? ""}`;
  return text.length <= maxReason ? text : code;
}

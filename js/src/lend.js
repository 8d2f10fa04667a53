// @ts-check
// Narrower tokens: for further audiences, and for borrowers of the page. It is loaded
// when it is used, and imports no part of the client, which may be of another release.

/** @import { LendOptions, NarrowerOptions, TabardError } from "../index.js" */

/**
 * The parts of the client that lending needs.
 * @typedef {{
 *   TabardError: typeof TabardError,
 *   backend: string,
 *   ask(name: string, ...args: string[]): Promise<string>,
 *   scope(): {key: string, signal: AbortSignal},
 *   credential(rejected?: string, ...keep: string[]): Promise<string>,
 * }} Context
 * @typedef {{token: string, bound: boolean, until: number, life: number}} Lent
 */

/** How long before its end a token is replaced, and how long the backend may take, in milliseconds. */
const ahead = 30_000, patience = 20_000;

/** The tokens of an organization, kept apart from the tab's own. @type {WeakMap<AbortSignal, Map<string, Promise<Lent>>>} */
const held = new WeakMap();

/** @param {string} credential */
const tokenOf = (credential) => credential.replace(/^DPoP /, "");

/**
 * The claims of the tab's own token, which only APIs verify.
 * @param {string} token
 * @returns {{org_id: string, sub: string}}
 */
const claimsOf = (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));

/**
 * See {@link Client.getToken}.
 * @param {Context} context
 * @param {NarrowerOptions} options
 * @param {boolean} [fresh]
 */
export async function narrower(context, options, fresh) {
  return (await get(context, bodyOf(options), fresh)).token;
}

/**
 * The request for a token, without the tab's additions.
 * @param {NarrowerOptions} options
 */
export function bodyOf({ audience, permissions, seconds }) {
  if (audience !== undefined && typeof audience !== "string") throw new TypeError("audience must be a text");
  if (permissions !== undefined && !(Array.isArray(permissions) && permissions.every((one) => /^\S+$/.test(one)))) throw new TypeError("permissions must be a list of permissions");
  if (seconds !== undefined && !(Number.isInteger(seconds) && seconds > 0)) throw new TypeError("seconds must be a whole number above 0");
  return { audience, permissions: permissions?.toSorted().join(" "), seconds };
}

/**
 * A token of the tab's organization: one that is held, or a new one, which all wait for.
 * @param {Context} context
 * @param {object} body
 * @param {boolean} [fresh]
 * @returns {Promise<Lent>}
 */
async function get(context, body, fresh) {
  await context.credential(); // waits until it is known which organization
  const { signal } = context.scope();
  signal.throwIfAborted();
  let all = held.get(signal);
  if (!all) held.set(signal, (all = new Map()));
  const name = JSON.stringify(body), known = fresh ? undefined : await all.get(name)?.catch(() => undefined);
  if (known && known.until - performance.now() > Math.min(ahead, known.life / 5)) return known;
  const asked = request(context, body, signal);
  all.set(name, asked);
  asked.catch(() => all.get(name) === asked && all.delete(name));
  return asked;
}

/**
 * Asks the backend. Where the refresh token is due for its rotation, the tab's own token is
 * renewed first.
 * @param {Context} context
 * @param {object} body
 * @param {AbortSignal} signal
 * @returns {Promise<Lent>}
 */
async function request(context, body, signal) {
  let own = tokenOf(await context.credential());
  for (let renewed = 0; ; renewed++) {
    const answer = await send(context, { organization: claimsOf(own).org_id, user: claimsOf(own).sub, ...body }, signal);
    const life = 1000 * answer.expires_in;
    if (!answer.error) return { token: answer.access_token, bound: answer.token_type === "DPoP", until: performance.now() + life, life };
    if (renewed === 2 || !/^(request_too_old|use_dpop_nonce|invalid_dpop_proof)$/.test(answer.error)) throw errorOf(context, answer);
    own = tokenOf(await context.credential(own, "keep"));
  }
}

/**
 * @param {Context} context
 * @param {object} body
 * @param {AbortSignal} signal
 */
async function send({ TabardError, ask, backend }, body, signal) {
  const address = backend + "/lend";
  const proof = await ask("proof", "", "POST", address).catch(() => "");
  const either = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  try {
    const response = await fetch(address, {
      method: "POST", body: JSON.stringify(body), credentials: "include", signal: either,
      headers: { "Content-Type": "application/json", "Tabard-Client": "lend", ...(proof && { DPoP: proof }) },
    });
    const answer = await response.json();
    if (response.ok || answer.error) return { __proto__: null, ...answer };
    throw new Error(`the backend answered ${response.status}`);
  } catch (cause) {
    signal.throwIfAborted();
    throw new TabardError("temporarily_unavailable", "retry", String(cause));
  }
}

/** The action after a refusal: a client stops at one that it does not know. @type {Record<string, import("../index.js").Action>} */
const actions = { __proto__: /** @type {any} */ (null) };
for (const code of ["login_required", "session_expired", "session_revoked", "refresh_token_reused", "device_key_required", "device_key_mismatch"]) actions[code] = "sign_in";
for (const code of ["insufficient_user_authentication", "organization_session_expired", "origin_not_joined"]) actions[code] = "step_up";
for (const code of ["request_too_old", "use_dpop_nonce", "invalid_dpop_proof", "rate_limited", "temporarily_unavailable", "server_error"]) actions[code] = "retry";

/**
 * @param {Context} context
 * @param {any} answer
 */
const errorOf = ({ TabardError }, { error, error_description, reason, retry_after }) =>
  new TabardError(error, actions[error] ?? "stop", error_description, reason, retry_after);

/**
 * See {@link Client.lend}. It answers on the port for as long as the tab keeps its organization.
 * @param {Context} context
 * @param {LendOptions} options
 * @param {typeof get} [mint] another source of tokens
 */
export async function lend(context, options, mint = get) {
  if (!options?.permissions) throw new TypeError("lend needs permissions: a list of what the borrower may do");
  const body = bodyOf(options);
  await mint(context, body); // a refusal is told here, not to the borrower
  const scope = context.scope(), { port1, port2 } = new MessageChannel();
  const end = () => {
    port1.postMessage({ ended: true });
    port1.close();
    scope.signal.removeEventListener("abort", end);
  };
  scope.signal.addEventListener("abort", end);
  port1.onmessage = async ({ data }) => {
    const { id, jkt } = /** @type {any} */ ({ __proto__: null, ...data });
    try {
      scope.signal.throwIfAborted();
      const bound = /^DPoP /.test(await context.credential());
      if (bound && !jkt) throw new context.TabardError("device_key_required", "stop", "tokens of this app are bound to a key: the borrower has to name its own, by borrow(port, { key: true })");
      const lent = await mint(context, { ...body, ...(jkt && { jkt: String(jkt) }) });
      if (context.scope() !== scope) return end();
      port1.postMessage({ id, token: lent.token, bound: lent.bound, life: lent.until - performance.now() });
    } catch (/** @type {any} */ error) {
      port1.postMessage({ id, code: error.code ?? "server_error", action: error.action ?? "stop", description: error.message });
    }
  };
  return Object.freeze({ port: port2, end });
}

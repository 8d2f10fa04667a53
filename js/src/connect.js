// @ts-check
// WebSockets that act for the tab's organization. It is loaded when it is used, and shares no state
// with the client, which may be of another release: its needs are handed to it.

import { requireApi } from "./arguments.js";

/** @import { TabardError } from "../index.js" */

/**
 * The parts of the client that connections need.
 * @typedef {{
 *   TabardError: typeof TabardError,
 *   apis: string[],
 *   scope(): {key: string, signal: AbortSignal},
 *   credential(rejected?: string, ...keep: string[]): Promise<string>,
 *   prove(token: string, method: string, address: string): Promise<string>,
 *   challenged(header: string, request: string): Promise<unknown>,
 * }} Context
 * @typedef {{socket: WebSocket, token: string, life: number}} Open
 */

/** How long the API may take to answer, and how long before its end a token is renewed, in seconds. */
const patience = 10, ahead = 90;

/**
 * A token without its scheme.
 * @param {string} credential
 */
const tokenOf = (credential) => credential.replace(/^DPoP /, "");

/**
 * The claims of a token, which only the API verifies.
 * @param {string} token
 * @returns {{org_id?: string, exp: number, iat: number}}
 */
const claimsOf = (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));

/**
 * Opens a WebSocket as {@link Client.connect} is told to. A token that the API refuses is
 * renewed once.
 * @param {Context} context
 * @param {string | URL} url
 */
export async function connect(context, url) {
  const { apis, credential } = context;
  const address = new URL(url, document.baseURI);
  address.protocol = address.protocol.replace("ws", "http");
  address.hash = "";
  requireApi(apis, address.origin);
  let access = await credential();
  const scope = context.scope();
  let opened = await open(context, scope, address, access);
  if ("code" in opened && /^(invalid_token|insufficient_scope)/.test(opened.reason)) {
    access = await credential(tokenOf(access), ...(opened.code === 4403 ? ["keep"] : []));
    opened = await open(context, scope, address, access);
  }
  if ("code" in opened) throw await refusal(context, address, opened);
  hold(context, scope, address, opened);
  return opened.socket;
}

/**
 * Opens a WebSocket and sends the token in its first message: it stands in no header and in
 * no address. Returns how the API closed it, if it did not take the token.
 * @param {Context} context
 * @param {{signal: AbortSignal}} scope
 * @param {URL} address
 * @param {string} access
 * @returns {Promise<Open | {code: number, reason: string}>}
 */
function open(context, { signal }, address, access) {
  const { TabardError } = context;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = new WebSocket(address.href.replace("http", "ws"), "tabard");
    const settle = (/** @type {() => void} */ how) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", left);
      socket.onmessage = socket.onclose = socket.onopen = null;
      how();
    };
    const fail = (/** @type {unknown} */ error) => settle(() => {
      socket.close();
      reject(error);
    });
    const left = () => fail(signal.reason);
    const timer = setTimeout(() => fail(new TabardError("temporarily_unavailable", "retry", "the API does not answer on the WebSocket")), 1000 * patience);
    signal.addEventListener("abort", left);
    socket.onopen = () => send(context, socket, address, access).catch(fail);
    socket.onclose = ({ code, reason }) => settle(() => resolve({ code, reason }));
    socket.onmessage = ({ data }) => {
      try {
        const { organization, expires_in } = JSON.parse(data).tabard, token = tokenOf(access);
        if (organization !== claimsOf(token).org_id) throw organization;
        settle(() => resolve({ socket, token, life: expires_in }));
      } catch {
        fail(new TabardError("organization_mismatch", "stop", "the WebSocket's first message does not name the organization that was asked"));
      }
    };
  });
}

/**
 * @param {Context} context
 * @param {WebSocket} socket
 * @param {URL} address
 * @param {string} access
 */
async function send({ prove }, socket, address, access) {
  const token = tokenOf(access);
  const proof = token === access ? undefined : await prove(token, "GET", address.origin + address.pathname);
  socket.send(JSON.stringify({ tabard: { token, proof } }));
}

/**
 * The error of a WebSocket that the API closed before it took the token. Browsers do not tell
 * a refused upgrade from a fault.
 * @param {Context} context
 * @param {URL} address
 * @param {{code: number, reason: string}} closed
 */
async function refusal({ TabardError, challenged }, address, { code, reason }) {
  if (reason.startsWith("insufficient_user_authentication")) return challenged(reason, "GET" + address);
  const told = code === 4403 ? "stop" : "retry";
  const known = reason.startsWith("organization_mismatch") ? "organization_mismatch" : "temporarily_unavailable";
  const upgrade = code === 1006 && !reason ? ", unless no WebSocket is there, or a proxy does not pass on its Upgrade" : "";
  return new TabardError(known, told, `the API closed the WebSocket: ${code} ${reason}${upgrade}`);
}

/**
 * Renews the token of a WebSocket while it is open, and closes it with the organization, or at
 * its token's end.
 * @param {Context} context
 * @param {{signal: AbortSignal}} scope
 * @param {URL} address
 * @param {Open} opened
 */
function hold(context, { signal }, address, { socket, token, life }) {
  let end = performance.now() + 1000 * life;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const close = () => socket.close(4000, signal.aborted ? "organization_left" : "token_expired");
  const wait = () => {
    const left = (end - performance.now()) / 1000;
    if (left <= 0) return close();
    timer = setTimeout(renew, 1000 * (left > 5 ? left - Math.min(ahead, left / 2) : left));
  };
  const renew = async () => {
    const access = performance.now() < end && (await context.credential(token, "keep").catch(() => ""));
    if (socket.readyState !== 1) return;
    if (access && tokenOf(access) !== token) {
      token = tokenOf(access);
      const { exp, iat } = claimsOf(token), until = performance.now() + 1000 * (exp - iat);
      await send(context, socket, address, access).then(() => (end = until), () => {});
    }
    wait();
  };
  signal.addEventListener("abort", close);
  socket.addEventListener("close", ({ code }) => {
    clearTimeout(timer);
    signal.removeEventListener("abort", close);
    if (code === 4401) context.credential(token).catch(() => {}); // the module learns of the ending
  });
  if (signal.aborted) close();
  wait();
}

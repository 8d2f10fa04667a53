// @ts-check

import { closing, isCredential, NoCredential, OtherToken, readCredential } from "./src/held.js";
import { cut } from "./src/cut.js";
import { TokenError } from "./src/error.js";
import { Lease } from "./src/lease.js";
import { viewOf } from "./src/node.js";

/**
 * @import { Admission, Rule } from "./index.js"
 * @import { HoldOptions, Socket, UpgradeRequest } from "./hold.js"
 * @import { Guard } from "./src/guard.js"
 */

const subprotocol = "tabard";
const firstMessage = 5000; // milliseconds
/** Of messages that wait for a token to be verified, in bytes: the first one, or a renewal. */
const maxEarly = 64 << 10, maxWaiting = 1 << 20;

/**
 * @param {import("./index.js").Guard} guard
 * @param {HoldOptions} options
 */
export const createHold = (guard, options) => new Hold(/** @type {any} */ (guard), /** @type {any} */ ({ __proto__: null, ...options }));

/** Holds connections by their tokens. See hold.d.ts. */
class Hold {
  #guard;
  #origins;
  #follower;

  /**
   * @param {Guard} guard
   * @param {HoldOptions} options
   */
  constructor(guard, { origins = [], follower }) {
    for (const origin of origins) {
      if (!/^https?:\/\/[^/?#@*]+$/.test(origin)) throw new TypeError(`${origin} is not an origin such as https://app.example.com`);
    }
    this.#guard = guard;
    this.#origins = [...origins];
    this.#follower = follower;
  }

  /**
   * @param {UpgradeRequest} request
   * @param {{linked?: boolean}} [options]
   */
  refuse = (request, { linked = false } = {}) => {
    const { method, headers } = viewOf(request);
    const answer = (/** @type {number} */ status, /** @type {string} */ error, /** @type {string} */ text) =>
      Response.json({ error, error_description: text }, { status, headers: { "Cache-Control": "no-store" } });
    if (!this.#origins.includes(headers.get("Origin") ?? "")) {
      return answer(403, "origin_not_allowed", "The origin is not in the API's list of origins for WebSockets.");
    }
    if (linked) return undefined;
    const offered = (headers.get("Sec-WebSocket-Protocol") ?? "").split(",").map((/** @type {string} */ name) => name.trim());
    if (method === "GET" && offered.includes(subprotocol)) return undefined;
    return answer(400, "invalid_request", `Open the WebSocket with the subprotocol ${subprotocol}, as the client's connect does.`);
  };

  /**
   * @param {Socket} socket
   * @param {UpgradeRequest} request
   * @param {Rule} [rule]
   * @param {{[name: string]: string | string[] | undefined}} [params]
   * @returns {Promise<Held>}
   */
  accept = (socket, request, rule = {}, params = {}) => {
    const held = new Held(this.#guard, this.#follower, socket, (credential) => this.#guard.admit(requestOf(viewOf(request), credential), rule, params));
    return held.opened;
  };

  /**
   * @param {Admission} admission
   * @param {AbortSignal} [until]
   */
  signal = (admission, until) => {
    const lease = this.#lease(admission);
    lease.endWith(until);
    return lease.signal;
  };

  /**
   * @param {Rule} rule
   * @param {(request: Request, admission: any, ...rest: any[]) => Response | Promise<Response>} handler
   * @param {Pick<Guard, "protect">} [by]
   */
  protect = (rule, handler, by = this.#guard) => by.protect(rule, async (request, admission, ...rest) => {
    const lease = this.#lease(admission);
    try {
      const response = await handler(request, Object.assign(admission, { signal: lease.signal, release: () => lease.release() }), ...rest);
      if (response.body) return cut(response, lease, request.method);
      if (response.status !== 101) lease.release(); // a WebSocket lasts
      return response;
    } catch (error) {
      lease.release();
      throw error;
    }
  });

  /** @param {any} admission */
  #lease({ claims, request, over }) {
    const [, raw = ""] = (request.headers.get("Authorization") ?? "").split(" ");
    const lease = new Lease(this.#guard, this.#follower, raw, claims);
    lease.endWith(over());
    return lease;
  }
}

/** A WebSocket that acts for an organization. */
class Held extends EventTarget {
  #guard;
  #socket;
  #admit;
  #controller = new AbortController();
  /** @type {Lease | undefined} */
  #lease;
  #late;
  /** @type {unknown[]} What came after a token that is being verified. */
  #waiting = [];
  #waitingSize = 0;
  #busy = false;
  /** @type {(held: Held) => void} */
  #open = () => {};
  /** @type {(error: unknown) => void} */
  #fail = () => {};
  /** @type {Admission} */
  admission = /** @type {any} */ (undefined);

  /**
   * @param {Guard} guard
   * @param {import("./follow.js").Follower | undefined} follower
   * @param {Socket} socket
   * @param {(credential: {token: string, proof: string}) => Promise<Admission>} admit
   */
  constructor(guard, follower, socket, admit) {
    super();
    this.#guard = guard;
    this.#socket = socket;
    this.#admit = admit;
    this.signal = this.#controller.signal;
    /** @type {Promise<Held>} */
    this.opened = new Promise((open, fail) => ([this.#open, this.#fail] = [open, fail]));
    this.#late = setTimeout(() => this.#end(new NoCredential()), firstMessage);
    socket.addEventListener("message", ({ data }) => void this.#take(data, follower).catch((error) => this.#end(error)));
    socket.addEventListener("close", () => this.#end(new Error("the page closed the connection")));
    socket.addEventListener("error", () => this.#end(new Error("the connection broke")));
  }

  /** @param {string | ArrayBufferLike | ArrayBufferView | Blob} data */
  send(data) {
    this.signal.throwIfAborted();
    this.#socket.send(/** @type {any} */ (data));
  }

  /**
   * @param {number} [code]
   * @param {string} [reason]
   */
  close(code = 1000, reason = "") {
    this.#end(new Error("the API closed the connection"), code, reason);
  }

  /**
   * Takes messages in their order. Those after a token wait for it: if it is refused, none of them is handled.
   * @param {any} data
   * @param {import("./follow.js").Follower | undefined} follower
   */
  async #take(data, follower) {
    if (this.signal.aborted) return;
    this.#waiting.push(data);
    if (this.#busy) {
      this.#waitingSize += (data.length ?? data.byteLength ?? data.size) + 64;
      if (this.#waitingSize > (this.#lease ? maxWaiting : maxEarly)) throw new Error("too much waits for a token");
      return;
    }
    this.#busy = true;
    while (this.#waiting.length && !this.signal.aborted) {
      const next = this.#waiting.shift();
      if (!this.#lease) await this.#begin(next, follower);
      else if (isCredential(next)) await this.#renew(next);
      else this.dispatchEvent(Object.assign(new Event("message"), { data: next }));
    }
    this.#busy = false;
    this.#waitingSize = 0;
  }

  /**
   * @param {unknown} data
   * @param {import("./follow.js").Follower | undefined} follower
   */
  async #begin(data, follower) {
    clearTimeout(this.#late);
    const credential = readCredential(data), admission = await this.#admit(credential), { claims } = admission;
    const life = this.#living(claims);
    if (this.signal.aborted) return;
    this.admission = admission;
    this.#lease = new Lease(this.#guard, follower, credential.token, claims);
    this.#lease.signal.addEventListener("abort", () => this.#end(this.#lease?.signal.reason));
    this.#socket.send(JSON.stringify({ tabard: { organization: claims.org_id, expires_in: Math.floor(life / 1000) } }));
    this.#open(this);
    if (this.#waiting.length) await new Promise((listening) => setTimeout(listening)); // else the API does not listen yet
  }

  /**
   * Goes on with another token of the same person, session, app, organization, audience and key.
   * @param {string} data
   */
  async #renew(data) {
    const credential = readCredential(data), { claims: is } = await this.#admit(credential), was = this.admission.claims;
    this.#living(is);
    await this.admission.match(is.org_id).catch(() => { // which is recorded as an alarm
      throw new OtherToken();
    });
    const of = (/** @type {import("./index.js").Claims} */ { sub, sid, client_id, aud, cnf, lent, permissions }) =>
      JSON.stringify([sub, sid, client_id, aud, cnf?.jkt, lent && permissions]);
    if (of(was) !== of(is)) throw new OtherToken();
    if (!this.signal.aborted) this.#lease?.renew(credential.token, is);
  }

  /** @param {import("./index.js").Claims} claims */
  #living(claims) {
    const life = this.#guard.lifeOf(claims);
    if (life <= 0) throw new TokenError("expired", { bound: !!claims.cnf, organization: claims.org_id });
    return life;
  }

  /**
   * Aborts the signal, then closes the socket, once.
   * @param {unknown} cause
   * @param {number} [code]
   * @param {string} [text]
   */
  #end(cause, code, text) {
    if (this.signal.aborted) return;
    clearTimeout(this.#late);
    this.#lease?.release();
    this.#controller.abort(cause);
    const of = closing(cause);
    try {
      this.#socket.close(code ?? of.code, text ?? of.reason);
    } catch {
      // it is closed already
    }
    this.#fail(cause);
    this.dispatchEvent(new Event("close"));
  }
}

/**
 * The request that opened the connection, with a message's token in the place of its own.
 * @param {{url: string, headers: {get(name: string): string | null}}} view
 * @param {{token: string, proof: string}} credential
 * @returns {any}
 */
function requestOf({ url, headers }, { token, proof }) {
  /** @type {{[name: string]: string | null}} */
  const own = { authorization: `${proof ? "DPoP" : "Bearer"} ${token}`, dpop: proof || null };
  return { method: "GET", url, headers: { get: (/** @type {string} */ name) => (name.toLowerCase() in own ? own[name.toLowerCase()] : headers.get(name)) } };
}

import type { IncomingMessage } from "node:http";
import type { Admission, Guard, Rule } from "./index.js";
import type { Follower } from "./follow.js";
import type { Links } from "./links.js";

export interface HoldOptions {
  /**
   * The origins of the pages that may open WebSockets, exactly as browsers send them, such as
   * `https://app.example.com`. Requests without one of them are refused.
   */
  origins: readonly string[];
  /** The guard's: an ending closes connections at once. Without it they are compared with the guard twice a second. */
  follower?: Follower;
}

/** A request that asks for a WebSocket, of Fetch or of Node. */
export type UpgradeRequest = Pick<Request, "method" | "url" | "headers"> | IncomingMessage;

/** What of a WebSocket is used: that of npm `ws`, of Workers and of Deno alike. */
export interface Socket {
  send(data: any): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: any, listener: (event: any) => void): void;
}

/**
 * A WebSocket that acts for an organization. It dispatches `message`, with `data`, for what the
 * page sends, but not for tokens, and `close`, once.
 */
export interface Held extends EventTarget {
  /** The admission of the first token. */
  readonly admission: Admission;
  /** Aborts when the connection ends, before it is closed. The reason is a {@link TokenError} if its token refuses it. */
  readonly signal: AbortSignal;
  /** Throws once the connection has ended. */
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void;
  close(code?: number, reason?: string): void;
}

/** Keeps connections no longer than what admitted them. */
export interface Hold {
  /**
   * Returns the answer to a request that may open no WebSocket: of a foreign page, or, unless a
   * link opens it, without the subprotocol `tabard`.
   */
  readonly refuse: (request: UpgradeRequest, options?: { linked?: boolean }) => Response | undefined;
  /**
   * Takes over a WebSocket that was just accepted, of a request that is not refused. It
   * resolves when the first message is a token that the rule allows. Otherwise it rejects, and
   * the socket is closed: with 4000 plus the status that a request would have been answered
   * with, and a stable code. `params` are the route's.
   */
  readonly accept: (
    socket: Socket, request: UpgradeRequest, rule?: Rule, params?: { [name: string]: string | string[] | undefined },
  ) => Promise<Held>;
  /**
   * Is the guard's `protect` for answers that are streamed: `admission.signal` aborts, and the
   * body is cut off, at the token's end, or when the feed refuses it. A page opens a stream anew.
   * What is held is given up when the body ends, is canceled or fails, or is not read for 10 s.
   * For a WebSocket that the handler opens, call `release` when it is closed. The signal aborts
   * also when that of the request does: the page left.
   * With `links`, requests have a link in place of a token; what they open ends with the token
   * that made the link, and whenever the feed withdraws a signing key.
   */
  readonly protect: (
    rule: Rule,
    handler: (
      request: Request, admission: Admission & { readonly signal: AbortSignal; readonly release: () => void }, ...rest: any[]
    ) => Response | Promise<Response>,
    links?: Links,
  ) => (request: Request, ...rest: any[]) => Promise<Response>;
  /**
   * Returns a signal that aborts as that of `protect` does, for handlers of other frameworks, and
   * when the request is over: when `until` aborts, when Express' or Fastify's answer or Node's
   * upgraded connection closes, or when the signal of a Fetch `Request` aborts that is no upgrade.
   */
  readonly signal: (admission: Admission, until?: AbortSignal) => AbortSignal;
}

export function createHold(guard: Guard, options: HoldOptions): Hold;

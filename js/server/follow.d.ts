import type { Claims, Fetcher, Verifier } from "./index.js";

/** What an event concerns: the access tokens that have all of its ids. Without any it is the whole workspace. */
export interface Subject {
  readonly session?: string;
  readonly user?: string;
  readonly organization?: string;
  readonly app?: string;
}

/** An ending, as the feed has it. */
export interface FollowedEvent {
  /** Refuses tokens of the subject whose `evt` is smaller, and those of a session or a signing key always. */
  readonly number: number;
  /** When it was written, in Unix seconds of the backend. */
  readonly at: number;
  /** Such as `signed_out`; further ones may come. */
  readonly reason: string;
  readonly subject: Subject;
  /** The id of a withdrawn signing key, or "". */
  readonly key: string;
}

export interface FollowOptions {
  /** The guard's. It verifies events too, and refuses the tokens of keys that the feed withdraws. */
  verifier: Verifier;
  /** An API key of the kind events (`tabard keys create --kind events`). */
  key: string;
  /** Base URLs of the backend, if they differ from its issuer's. If one does not answer, the next is asked. */
  addresses?: readonly string[];
  /** Refuse requests while the feed was not heard for 30 seconds. Otherwise tokens are then accepted until they expire. */
  refuseCutOff?: boolean;
  /** Is called when following begins and when it fails, with the error. */
  onState?: (following: boolean, error?: unknown) => void;
  /** Is called for each event in the order of their numbers, after tokens are refused by it. */
  onEvent?: (event: FollowedEvent) => void;
  /** How the feed is asked. The default is the global `fetch`; on Workers a service binding serves too. */
  fetch?: Fetcher;
  /**
   * Whether it follows in the background, which is the default except on Cloudflare Workers.
   * There, where nothing runs between requests, `ready` reads the feed if that is longer ago
   * than half a second.
   */
  background?: boolean;
  /** Ends following, as `close` does. */
  signal?: AbortSignal;
}

/**
 * Follows the workspace's feed of endings, for the options `ended` and `ready` of a guard. Its
 * functions need no `this`.
 */
export interface Follower {
  /** Reports whether an event refuses a token. */
  readonly ended: (claims: Claims) => boolean;
  /**
   * Rejects while it cannot be told which tokens are refused: until the last eleven minutes are
   * read, or 30 seconds have passed, and with `refuseCutOff` whenever it is cut off.
   */
  readonly ready: () => Promise<void>;
  /** How long the feed has not been heard, in milliseconds: a metric to watch. */
  readonly silent: () => number;
  /** Calls a listener for each event from now on, and returns what ends that. */
  readonly subscribe: (listener: (event: FollowedEvent) => void) => () => void;
  /** Ends following. What was heard is still refused. */
  readonly close: () => void;
}

/** Follows the feed. Create one for the process. It serves once the last eleven minutes are read. */
export function follow(options: FollowOptions): Follower;

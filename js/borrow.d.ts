/** What a page lends on a port. */
export interface Borrowed {
  /** A lent token, valid for some seconds at least. Rejects with the page's refusal (`code`, `action`). */
  getToken(): Promise<string>;
  /**
   * A `fetch` that carries the token, and a proof by the borrower's own key where the token is bound to it. It attaches
   * the token to every request: call only APIs that the page lends for.
   */
  fetch: typeof globalThis.fetch;
  /** Aborts when the page lends no more: it left its organization, signed out, or ended it. */
  readonly signal: AbortSignal;
  /** Gives the port back. */
  end(): void;
}

/**
 * Takes a port that a page got from `tabard.lend`, in a worker, a frame or another window, which need nothing else of the
 * client. `key` makes a key of the borrower's own, to which its tokens are bound; apps with `dpop_bound_tokens` demand it.
 */
export function borrow(port: MessagePort, options?: { key?: boolean }): Borrowed;

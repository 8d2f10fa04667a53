import type { IncomingMessage } from "node:http";
import type { Admission, Guard, Rule } from "./index.js";

export interface LinksOptions {
  /**
   * Secrets of the API's own, 32 random bytes each, which its replicas share. The first one makes
   * links. Links by each of them open.
   */
  keys: readonly Uint8Array[];
  /** How long a link opens, in seconds, 300 at most. The default is 60. No link outlives the access token that it was made by. */
  life?: number;
}

/**
 * Makes and serves addresses for requests that can send no Authorization header: of images,
 * downloads, and WebSockets that a library opens. A link opens one address and method, for the
 * organization, person and session that it was made for, and contains no token: it is a sealed
 * text, of which nobody reads whose it is. Whoever has it opens it, until it expires or what it
 * stands for ends. Go's `resource.Links` with the same keys opens the same links.
 */
export interface Links extends Pick<Guard, "answer" | "protect"> {
  /**
   * Returns the address with a link that opens it by a method, for what an admission by an access
   * token acts for. The address is the path as the API sees it, with its query:
   * `/files/7?size=small`. A link for GET opens HEAD too.
   */
  make(admission: Admission, method: string, address: string): Promise<string>;
  /** Is `protect` for handlers that write refusals themselves, and for requests of Node too. It rejects with a `TokenError`. */
  admit(request: Request | IncomingMessage, rule?: Rule, params?: { [name: string]: string | string[] | undefined }): Promise<Admission>;
  /**
   * Is the guard's `protect` for requests with a link in place of a token. A link has no
   * permissions and no authentication: demand them where it is made. The answer asks browsers to
   * send its address nowhere, and to run no scripts of what it serves unless the handler sets a
   * Content-Security-Policy.
   */
  protect(
    rule: Rule,
    handler: (request: Request, admission: Admission, ...rest: any[]) => Response | Promise<Response>,
  ): (request: Request, ...rest: any[]) => Promise<Response>;
}

export function createLinks(guard: Guard, options: LinksOptions): Links;

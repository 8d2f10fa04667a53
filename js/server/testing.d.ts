import type { Claims, Fetcher } from "./index.js";

export interface TestIssuerOptions {
  /** The default is `https://app.example.com/auth`. */
  issuer?: string;
  /** The default is `https://app.example.com/api`. */
  audience?: string;
  /** The time in milliseconds. The default is `Date.now`. */
  now?: () => number;
}

export interface TokenOptions {
  roles?: readonly string[];
  permissions?: readonly string[];
  /** Claims that replace the token's own. */
  claims?: Partial<Claims> | { [claim: string]: unknown };
  /** The key that the token is bound to. */
  boundTo?: DeviceKey;
  /** How long ago it was minted, in seconds. Tokens live for 300. */
  age?: number;
}

/** The key of a browser, which bound tokens need. */
export interface DeviceKey {
  readonly thumbprint: string;
  /** Returns a proof for one request with a token (RFC 9449). */
  proof(token: string, method: string, url: string): Promise<string>;
  /** Returns the headers of such a request. */
  headers(token: string, method: string, url: string): Promise<{ Authorization: string; DPoP: string }>;
}

/** An issuer for the tests of an API: it takes the backend's place. */
export interface TestIssuer {
  readonly issuer: string;
  readonly audience: string;
  /** Serves the key sets: pass it to `createVerifier` as `fetch`. */
  readonly fetch: Fetcher & ((input: string) => Promise<Response>);
  /** Returns a valid token for an organization, by id. */
  token(organization: string, options?: TokenOptions): Promise<string>;
  /** Returns one that has expired. */
  expired(organization: string, options?: TokenOptions): Promise<string>;
  /** Returns one with the issuer's name, but signed by another key. */
  foreign(organization: string, options?: TokenOptions): Promise<string>;
  /** Gives an organization a signing key and an issuer of its own, for its tokens from now on. */
  dedicate(organization: string): Promise<void>;
  /** Returns a new key to bind tokens to. */
  device(): Promise<DeviceKey>;
}

/** Creates an issuer with keys of its own. */
export function createTestIssuer(options?: TestIssuerOptions): Promise<TestIssuer>;

// @ts-check
// Questions to the network about why it does not answer as the backend does.

/**
 * The fault. One that is passing may mend itself; of one with an address another one is looked for.
 * @typedef {{code: string, description: string, passing?: boolean, address?: boolean}} Cause
 * @typedef {{status: number, type: string, url: string, redirected: boolean, password: boolean, bytes: Uint8Array<ArrayBuffer>, whole: boolean, json: any}} Answer
 */

/** How long a question to the network may take, in milliseconds. */
export const patience = 5000;

/**
 * @param {string} code
 * @param {string} description
 * @param {Partial<Cause>} [more]
 * @returns {Cause}
 */
export const cause = (code, description, more) => ({ code, description, ...more });

/**
 * Asks for an address; undefined if no answer came that the page may read, or too late.
 * @param {string} url
 * @param {RequestInit} [init]
 * @param {number} [limit] in milliseconds
 * @returns {Promise<Answer | undefined>}
 */
export async function ask(url, init, limit = patience) {
  const signal = AbortSignal.timeout(limit);
  try {
    const response = await fetch(url, { cache: "no-store", signal, ...init });
    const { status, redirected, headers } = response;
    const type = headers.get("Content-Type")?.split(";")[0] ?? "no type";
    const { bytes, whole } = await read(response);
    if (signal.aborted) return undefined;
    return { status, type, url: response.url || url, redirected, password: /^basic/i.test(headers.get("WWW-Authenticate") ?? ""), bytes, whole, json: parse(bytes) };
  } catch {
    return undefined;
  }
}

/**
 * Reads as much of a body as comes.
 * @param {Response} response
 */
async function read(response) {
  /** @type {BlobPart[]} */
  const pieces = [];
  let whole = true;
  try {
    await response.body?.pipeTo(new WritableStream({ write: (piece) => void pieces.push(piece) }));
  } catch {
    whole = false;
  }
  return { bytes: new Uint8Array(await new Blob(pieces).arrayBuffer()), whole };
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function parse(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Whether bytes that the browser has decompressed are compressed still. */
export const isCompressed = (/** @type {Uint8Array} */ bytes) => bytes[0] === 31 && bytes[1] === 139;

/**
 * Watches the requests that the page's policy blocks at an origin, and returns a function that returns the
 * directive. Its event may come late.
 * @param {string} url
 * @returns {() => Promise<string>}
 */
export function watchPolicy(url) {
  const { origin } = new URL(url);
  let directive = "";
  document.addEventListener("securitypolicyviolation", ({ disposition, blockedURI, effectiveDirective }) => {
    if (disposition === "enforce" && blockedURI.startsWith(origin)) directive = effectiveDirective;
  }, { signal: AbortSignal.timeout(patience) });
  return () => new Promise((resolve) => setTimeout(() => resolve(directive), 20));
}

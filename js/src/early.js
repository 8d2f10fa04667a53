// @ts-check
// A sign-in that does not wait for the module, where nobody is signed in. It does as the
// module does, and leaves a note of it: only the module writes the tab's record. It is
// loaded when it is used.

import { isSignedOut } from "./ended.js";
import { epochOf, stored } from "./record.js";

/** @typedef {{store: {state: {status: string}}, loading?(): unknown}} Context */
/** @typedef {{backend: string, key: string, organization?: string | undefined, app?: string | undefined}} Config */

/** How long the browser may take for its key, in milliseconds. */
const longest = 3000;

/**
 * Leaves the page for a sign-in.
 * @param {Context} context
 * @param {Config} config
 * @param {string} organization empty for the tab's own
 * @param {string} returnTo
 * @param {string[]} hints
 * @returns {Promise<boolean>} whether the sign-in must wait for the module
 */
export async function signIn(context, config, organization, returnTo, hints) {
  const { key, organization: named } = config;
  const own = hints[2] ? "" : named ? nameOf(named) : boundTo(key);
  const address = await addressOf(context, config, organization, returnTo, hints, own);
  if (!address) return true;
  try {
    sessionStorage.setItem(key + ":left", JSON.stringify({ organization }));
  } catch {
    // Storage is blocked, for the module too.
  }
  globalThis.location.assign(address);
  return false;
}

/**
 * The address at which a sign-in goes on; undefined where it must wait for the module.
 * @param {Context} context
 * @param {Config} config
 * @param {string} organization
 * @param {string} returnTo
 * @param {string[]} hints
 * @param {string} [own] the organization where none is given
 */
export async function addressOf({ store, loading }, { backend, key, app }, organization, returnTo, hints, own) {
  if ([organization, ...hints].some((text) => typeof text !== "string")) throw new TypeError("signIn: every argument must be a string");
  if (store.state.status !== "signed_out" && !(await isFree(backend, key) && loading?.())) return;
  const [prompt = "", loginHint = "", email = "", sessionCookie = ""] = hints;
  const given = Object.entries({ app, organization: organization || own, prompt, login_hint: loginHint, session_cookie: sessionCookie, return_to: returnTo });
  const query = "?" + new URLSearchParams(/** @type {string[][]} */ (given.filter(([, value]) => value)));
  const location = await begin(backend + "/login", query, email ? JSON.stringify({ email }) : "{}", key).catch(() => undefined);
  return /^http/.test(location ?? "") ? location : backend + "/login" + query;
}

/**
 * Whether nobody is signed in: the browser's epoch names no session, or one that has ended, as
 * the backend says.
 * @param {string} backend
 * @param {string} key
 */
async function isFree(backend, key) {
  if (/^(\.|$)/.test(epochOf(key) ?? "")) return true;
  try {
    const answer = await fetch(backend + "/session?quiet=1", { credentials: "include" });
    return isSignedOut((await answer.json()).error);
  } catch {
    return false;
  }
}

/**
 * What a page names, if it can be an organization.
 * @param {unknown} organization
 */
const nameOf = (organization) => (/^[a-z0-9_-]{1,64}$/.test(String(organization)) ? String(organization) : "");

/**
 * The organization that the tab acts for, by its record.
 * @param {string} key
 * @returns {string}
 */
function boundTo(key) {
  try {
    const { version, organization } = JSON.parse(stored("sessionStorage", key) ?? "");
    return version === 1 && typeof organization === "string" ? organization : "";
  } catch {
    return "";
  }
}

/**
 * Begins a sign-in for the browser's key, and returns where it goes on. It sends one request
 * again, with what the answer says about the proof.
 * @param {string} url
 * @param {string} query
 * @param {string} body
 * @param {string} name the key's
 */
async function begin(url, query, body, name) {
  /** @type {any} */
  let answer;
  let nonce = "";
  for (let sent = 0; sent < 2 && !answer?.location; sent++) {
    const pair = await Promise.race([deviceKey(name), new Promise((resolve) => setTimeout(resolve, longest))]).catch(() => undefined);
    const proof = pair && (await proofOf(pair, url, answer?.server_time, nonce));
    const headers = { "Content-Type": "application/json", "Tabard-Client": "early", ...(proof && { DPoP: proof }) };
    const response = await fetch(url + query, { method: "POST", credentials: "include", cache: "no-store", redirect: "error", headers, body });
    nonce = response.headers.get("DPoP-Nonce") ?? "";
    answer = await response.json();
  }
  return answer.location;
}

/**
 * The browser's key, made if there is none. Of several tabs that make one the first wins.
 * See Device in wasm/browser, which finds the same.
 * @param {string} name
 * @returns {Promise<CryptoKeyPair | undefined>}
 */
async function deviceKey(name) {
  const opening = indexedDB.open("tabard", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
  const database = await result(opening);
  const keys = (/** @type {IDBTransactionMode} */ mode) => database.transaction("keys", mode).objectStore("keys");
  try {
    const found = await result(keys("readonly").get(name));
    if (isPair(found)) return found;
    const made = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
    if (found != null) await result(keys("readwrite").delete(name));
    await result(keys("readwrite").add(made, name)).catch(() => {});
    const kept = await result(keys("readonly").get(name));
    return isPair(kept) ? kept : undefined;
  } finally {
    database.close();
  }
}

const algorithm = { name: "ECDSA", namedCurve: "P-256" };

/** @param {any} pair */
const isPair = (pair) => ["public", "private"].every((half) => {
  const { type, algorithm: its } = pair?.[half + "Key"] ?? {};
  return type === half && its?.name === algorithm.name && its.namedCurve === algorithm.namedCurve;
});

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const encoded = (/** @type {string} */ text) => new TextEncoder().encode(text);

const base64url = (/** @type {ArrayBuffer | Uint8Array} */ bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] ?? "");

/**
 * A proof by the key for a request (RFC 9449 section 4.2).
 * @param {CryptoKeyPair} pair
 * @param {string} htu
 * @param {number} [serverTime]
 * @param {string} [nonce]
 */
async function proofOf({ publicKey, privateKey }, htu, serverTime, nonce) {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const part = (/** @type {unknown} */ value) => base64url(encoded(JSON.stringify(value)));
  const claims = { jti: crypto.randomUUID(), htm: "POST", htu, iat: serverTime || Math.floor(Date.now() / 1000), nonce: nonce || undefined };
  const text = part({ typ: "dpop+jwt", alg: "ES256", jwk: { crv, kty, x, y } }) + "." + part(claims);
  return text + "." + base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, encoded(text)));
}

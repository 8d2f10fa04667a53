/** The names that cookies of ours begin with; the program reads no others. */
const COOKIE_PREFIX = "__Host-Http-tabard";
const SESSION_PREFIX = "__Host-Http-tabard.";

/** A name with a mark: capitals, which no id of an app has (publicurl/cookiemark.go). */
const MARKED = /^__Host-Http-tabard(?:-[a-z]+)?\.([A-Z][A-Z0-9]{0,7})(?:\.|$)/;

/** What net/http takes for the name and for the value of a cookie. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[ !#-:<-[\]-~]*$/;

/** The administration's request that asks a DNS resolver. */
const CHECKS_DOMAIN = /^\/admin\/v1\/.*\/check$/;

/**
 * A request as it is limited, scheduled and given to the program: all three read this
 * one reading of it, so that no spelling of an address or a cookie means one thing to
 * the limits and another to the program.
 * @typedef {object} Parsed
 * @property {Request} request what arrived
 * @property {string} url its address, with one spelling for each path
 * @property {string} cookies its cookies of ours, as one header
 * @property {string} client the client's network address, "" where it is unknown
 * @property {string} base the path of the backend's public URL
 * @property {string | undefined} path the path below the backend's public URL
 * @property {"login" | "callback" | undefined} signIn the half of a sign-in that it is
 * @property {boolean} foreign whether a page on another site sent it, other than by leading its person here
 * @property {boolean} asks whether the program may ask an OpenID provider or a resolver to answer it
 * @property {boolean} navigation whether a person reads the answer, as authn tells it
 * @property {string[]} sessions the values of its session cookies, each once
 * @property {string[]} sessionNames their names, the oldest first
 */

/** @returns {Parsed} */
export function parse(request, env) {
  const { origin, pathname, search } = new URL(request.url);
  const address = normalizePath(pathname);
  const base = basePath(env);
  const path = pathBelow(base, address);
  const [, first] = path?.match(/^\/([^/]+)(?:\/([^/]+))?$/) ?? [];
  const signIn = first === "callback" || first === "login" ? first : undefined;
  const cookies = ownCookies(request.headers.get("Cookie") ?? "", cookieMark(env));
  const sessions = cookies.filter(({ name }) => name.startsWith(SESSION_PREFIX));
  return {
    request,
    url: origin + address + search,
    cookies: cookies.map(({ text }) => text).join("; "),
    client: request.headers.get("CF-Connecting-IP") ?? "",
    base,
    path,
    signIn,
    foreign: isForeign(request),
    asks: signIn !== undefined || first === "backchannel-logout" || first === "global-token-revocation" || CHECKS_DOMAIN.test(path ?? ""),
    navigation: isNavigation(request, signIn !== undefined || first === "handover"),
    sessions: [...new Set(sessions.map(({ value }) => value))],
    sessionNames: sessions.map(({ name }) => name),
  };
}

/** As limits.foreignPage of the server. */
function isForeign({ headers }) {
  const document = headers.get("Sec-Fetch-Mode") === "navigate" && headers.get("Sec-Fetch-Dest") === "document";
  return headers.get("Sec-Fetch-Site") === "cross-site" && !document;
}

function isNavigation({ method, headers }, posted) {
  const form = posted && /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(?:;|$)/i.test(headers.get("Content-Type") ?? "");
  return (method === "GET" || method === "HEAD" || form) && (headers.get("Accept") ?? "").includes("text/html");
}

/** The method, the address, the client's address and the headers, a line each. */
export function head({ request, url, client, cookies }) {
  const lines = [request.method, url, client];
  for (const [name, value] of request.headers) if (name !== "cookie") lines.push(`${name}: ${value}`);
  if (cookies !== "") lines.push(`cookie: ${cookies}`);
  return lines.join("\n");
}

/**
 * Spells a path in the one way of RFC 3986 section 6.2.2: what need not be escaped is
 * not, and escapes are in capitals. The program's routes consist of such characters.
 */
function normalizePath(path) {
  return path.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : escape.toUpperCase();
  });
}

/** The public URL's path without a slash at its end; the program tells if it is wrong. */
function basePath(env) {
  return normalizePath(URL.parse(env.TABARD_PUBLIC_URL)?.pathname ?? "/").replace(/\/$/, "");
}

/** What follows a base in a path, slashes that stand several times counted as one. */
function pathBelow(base, path) {
  const clean = path.replace(/\/{2,}/g, "/");
  return clean.startsWith(`${base}/`) ? clean.slice(base.length) : undefined;
}

/**
 * The mark of this server's cookies: the one that is set, or the FNV-1a hash of the public
 * URL, in letters, as publicurl/cookiemark.go derives it.
 */
function cookieMark(env) {
  if (env.TABARD_COOKIE_MARK) return env.TABARD_COOKIE_MARK;
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode((env.TABARD_PUBLIC_URL ?? "").replace(/\/$/, ""))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  let letters = "";
  for (; letters.length < 7; hash = Math.floor(hash / 26)) letters += String.fromCharCode(65 + (hash % 26));
  return letters;
}

/**
 * The cookies of ours in a header, as net/http reads it. Those that bear the mark of another
 * server on the host are not ours.
 */
function ownCookies(header, mark) {
  const found = [];
  for (const part of header.split(";")) {
    const text = part.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
    const [, before, raw = ""] = text.match(/^([^=]*)=?(.*)$/s);
    const name = before.replace(/[ \t\r\n]+$/, "");
    const value = raw.length > 1 && raw.startsWith('"') && raw.endsWith('"') ? raw.slice(1, -1) : raw;
    const another = MARKED.test(name) && MARKED.exec(name)[1] !== mark;
    if (name.startsWith(COOKIE_PREFIX) && !another && NAME.test(name) && VALUE.test(value)) found.push({ text: `${name}=${raw}`, name, value });
  }
  return found;
}

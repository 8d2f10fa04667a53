// @ts-check

const absolute = /^(https?):\/\/([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:\d*)?(\/[^?#]*)?(?:\?[^#]*)?(?:#(.*))?$/is;
const badEscape = /%(?![0-9A-Fa-f]{2})/;
const defaultPorts = /** @type {{[scheme: string]: string}} */ ({ https: ":443", http: ":80" });

/**
 * An http address without query and fragment, in the form in which addresses are compared
 * (RFC 3986 sections 6.2.2 and 6.2.3), or undefined if it is none. It is not read as browsers
 * read addresses: %2e is no dot segment, and no character is passed over.
 * @param {string} address
 */
export function normalized(address) {
  const [, scheme, host, port = "", path = "", fragment = ""] = absolute.exec(address) ?? [];
  if (!host || /[\0-\x1f\x7f]/.test(address.split("#", 1)[0]) || badEscape.test(path) || badEscape.test(fragment)) return undefined;
  const low = scheme.toLowerCase();
  const shown = port === ":" || port === defaultPorts[low] ? "" : port;
  return `${low}://${host.toLowerCase()}${shown}${unescapeUnreserved(withoutDots(escaped(path))) || "/"}`;
}

/**
 * A path in which what needs an escape has one. A path that is valid stays as it is.
 * @param {string} path
 */
function escaped(path) {
  if (/^[A-Za-z0-9._~!$&'()*+,;=:@/%[\]-]*$/.test(path)) return path;
  const bytes = [...new TextEncoder().encode(path)];
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const escape = bytes[i] === 0x25 && parseInt(String.fromCharCode(bytes[i + 1], bytes[i + 2]), 16);
    const byte = escape === false ? bytes[i] : escape;
    if (escape !== false) i += 2;
    const char = String.fromCharCode(byte);
    text += /[A-Za-z0-9._~$&+,/:;=@-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/**
 * Removes dot segments (RFC 3986 section 5.2.4).
 * @param {string} path
 */
function withoutDots(path) {
  if (!path) return path;
  let kept = "", segment = "", first = true;
  for (segment of path.split("/")) {
    if (segment === ".") first = false;
    else if (segment === "..") {
      first = kept.lastIndexOf("/") < 0;
      kept = first ? "" : kept.slice(0, kept.lastIndexOf("/"));
    } else {
      kept += first ? segment : `/${segment}`;
      first = false;
    }
  }
  if (segment === "." || segment === "..") kept += "/";
  return kept.startsWith("/") ? kept : `/${kept}`;
}

/**
 * Decodes unreserved characters, and writes all other escapes in capitals.
 * @param {string} path
 */
const unescapeUnreserved = (path) => path.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
  const char = String.fromCharCode(parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(char) ? char : escape.toUpperCase();
});

/**
 * The path of an address or of a request's target, escaped, without the query.
 * @param {string} url
 */
export const pathOf = (url) => /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] || "";

/**
 * The query of an address or of a request's target, as it stands there.
 * @param {string} url
 */
export const queryOf = (url) => /\?([^#]*)/.exec(url)?.[1] ?? "";

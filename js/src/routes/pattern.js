// @ts-check

/** Where an organization stands in a path: between the segments before it and whatever follows. */
export class Pattern {
  #before;
  #except;

  /**
   * @param {string} pattern such as "/:organization/*"
   * @param {readonly string[]} except segments in its place that name no organization
   */
  constructor(pattern, except) {
    const segments = String(pattern).split("/");
    const place = segments.indexOf(":organization");
    if (typeof pattern !== "string" || place < 1 || segments[0] !== "") throw new TypeError(`routes: "${pattern}" must begin with "/" and have a segment :organization, as in "/:organization/*"`);
    requireList(except);
    this.#before = segments.slice(0, place);
    this.#except = except;
  }

  /**
   * The organization that an address names, by slug or id; undefined where it names none.
   * @param {URL} url
   */
  read({ pathname }) {
    const segments = pathname.split("/");
    if (this.#before.some((segment, i) => segment !== segments[i])) return undefined;
    const named = decoded(segments[this.#before.length] ?? "");
    return named && !this.#except.includes(named) ? named : undefined;
  }

  /**
   * An address of an organization by another name of it.
   * @param {URL} url
   * @param {string} organization
   */
  rename({ href }, organization) {
    const url = new URL(href);
    url.pathname = url.pathname.split("/").with(this.#before.length, encodeURIComponent(organization)).join("/");
    return url.href;
  }

  /**
   * The path at which an organization's pages begin.
   * @param {string} organization
   */
  home(organization) {
    return [...this.#before, encodeURIComponent(organization), ""].join("/");
  }
}

/** @param {unknown} except */
export function requireList(except) {
  if (!Array.isArray(except)) throw new TypeError(`routes: except must be a list, as in ["settings"]; given: ${except}`);
}

/** @param {string} segment */
function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}

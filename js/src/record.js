// @ts-check
// Reads the tab's record before the module runs. Only the module writes it, but its
// content may be anything.

import { own } from "./own.js";

/**
 * An item of the page's storage; undefined where storage is blocked.
 * @param {"sessionStorage" | "localStorage"} area
 * @param {string} key
 */
export function stored(area, key) {
  try {
    return globalThis[area].getItem(key);
  } catch {}
}

/**
 * The browser's epoch, or that of the tab's person where several can be signed in. Every
 * sign-in and sign-out replaces it. It begins with the session.
 * @param {string} key
 */
export function epochOf(key) {
  let of = "";
  try {
    of = own(JSON.parse(stored("sessionStorage", key) ?? "")).account ?? "";
  } catch {}
  return stored("localStorage", key + ":epoch" + of);
}

/**
 * The token that a page reloaded in a bound tab may use at once, with the state
 * in which it was left: it was minted in the present epoch of the browser, or of the tab's
 * person where several can be signed in (without a sign-in or sign-out since), for the organization that the page names, if it names
 * one, and it lives.
 * @param {string} key
 * @param {string} [organization]
 * @param {string} [person] whom the page's address names: the module finds out whether the record is theirs
 * @returns {{token: string, state: string} | undefined} token is a credential, as the module hands them out
 */
export function storedToken(key, organization, person) {
  if (document.prerendering || person) return; // its storage may be another's by the time it is seen
  try {
    const { version, state, epoch, organization: active, held } = own(JSON.parse(stored("sessionStorage", key) ?? ""));
    if (version !== 1 || !epoch || epoch !== epochOf(key) || !isState(own(state), active)) return;
    for (const entry of held) {
      const { answer, minted, until } = own(entry);
      const { organization: owner, access_token: token, token_type: type } = own(answer);
      const { id, slug } = own(owner);
      if (id !== active || (organization && organization !== id && organization !== slug)) continue;
      const now = Date.now();
      const scheme = type === "DPoP" ? "DPoP " : "";
      if (token && isText(token) && minted <= now && now < until) return { token: scheme + token, state: JSON.stringify(state) };
    }
  } catch {
    // Not a record, or storage is blocked: the module finds out.
  }
}

/** @param {unknown} value */
const isText = (value) => typeof value === "string";

/** @param {unknown[]} list what is none has no "every", and is no record's */
const isTexts = (list) => list.every(isText);

/**
 * Whether all that is said of an organization or a person is text.
 * @param {any} named
 */
const isNamed = (named) => isText(own(named).id) && Object.values(named).every(isText);

/**
 * An organization with the person's state there.
 * @param {any} listed
 */
function isListed(listed) {
  const { roles, ...named } = own(listed);
  return isTexts(roles) && isNamed(named);
}

/**
 * Whether it is the state of a tab with an active organization, which a page shows as it is.
 * @param {any} state
 * @param {unknown} active
 */
function isState({ status, fence, organization, user, roles, permissions, organizations, error, idle }, active) {
  const { id, slug, name } = own(organization);
  return status === "active" && Number.isFinite(fence) && id === active && isText(slug) && isText(name) &&
    [organization, user].every(isNamed) && [roles, permissions].every(isTexts) && !error && !idle &&
    (organizations?.every(isListed) ?? true);
}

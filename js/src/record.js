// @ts-check
// What the face reads of the tab's record before the module runs. Only the
// module writes it.

/**
 * The token that a page reloaded in a bound tab may use at once, with the state
 * in which it was left: it was minted in the browser's present epoch (nobody has
 * signed in or out since), for the organisation that the page names, if it names
 * one, and it lives.
 * @param {string} key
 * @param {string} [organization]
 * @returns {{token: string, state: string} | undefined} token is a credential, as the module hands them out
 */
export function living(key, organization) {
  if (document.prerendering) return; // its storage may be another's by the time it is seen
  try {
    const record = JSON.parse(sessionStorage.getItem(key) ?? "");
    if (!record.state || !record.epoch || record.epoch !== localStorage.getItem(key + ":epoch")) return;
    for (const { answer, minted, until } of record.held) {
      const { id, slug } = answer.organization;
      if (id !== record.organization || (organization && organization !== id && organization !== slug)) continue;
      const now = Date.now();
      const scheme = answer.token_type === "DPoP" ? "DPoP " : "";
      if (minted <= now && now < until) return { token: scheme + answer.access_token, state: JSON.stringify(record.state) };
    }
  } catch {
    // Not a record, or storage is blocked: the module finds out.
  }
}

// @ts-check
// The people of the browser in the switcher's menu, where an app lets several be. It is loaded
// when the menu opens, and imports nothing of the switcher, which may be of another release:
// what it needs is handed to it.

/** @import { Account, Client } from "../../index.js" */
/** @import { SwitcherTexts } from "../../switcher.js" */

const cross = "m5 5 10 10M15 5 5 15";

/**
 * The rows: each person, whom a press makes the tab's and the button beside them signs out of
 * this browser, and the way to add another.
 * @param {{
 *   client: Client, people: readonly Account[], texts: SwitcherTexts,
 *   el: typeof import("./dom.js").el, icon: typeof import("./dom.js").icon,
 *   act(name: string, act: () => Promise<unknown>): void,
 * }} context
 * @returns {Node[]}
 */
export function peopleRows({ client, people, texts, el, icon, act }) {
  const own = /** @type {any} */ (client.state).account;
  /** @param {Account} person */
  const row = ({ id, name }) => {
    const here = id === own;
    const shown = name || texts.unnamed;
    const item = el("button", { type: "button", part: here ? "item person current" : "item person", role: "menuitemradio", "aria-checked": String(here), tabindex: "-1" },
      el("span", { class: "text" }, el("span", { part: "item-name" }, shown)));
    item.dataset.name = shown;
    item.addEventListener("click", () => here || act(shown, () => client.switchAccount(id)));
    const out = el("button", { type: "button", part: "sign-out", role: "menuitem", tabindex: "-1", "aria-label": texts.signOut(shown), title: texts.signOut(shown) }, icon(cross, "20"));
    out.addEventListener("click", () => act(shown, () => client.signOut({ account: id })));
    return el("div", { class: "row", role: "none" }, item, out);
  };
  const add = el("button", { type: "button", part: "item add", role: "menuitem", tabindex: "-1" }, texts.addPerson);
  add.dataset.name = texts.addPerson;
  add.addEventListener("click", () => act(texts.addPerson, () => client.signIn({ account: "another" })));
  return [el("p", { part: "heading", role: "none" }, texts.people), ...people.map(row), ...(people.length < 4 ? [el("div", { class: "row", role: "none" }, add)] : [])];
}

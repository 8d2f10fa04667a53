// @ts-check
import { el, icon } from "./dom.js";

/** @import { Organization, OrganizationState } from "../../index.js" */
/** @import { SwitcherTexts } from "../../switcher.js" */

const check = "m4 10.5 4 4 8-9";
const chevron = "m4 6 4 4 4-4";
const external = "M8 4H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1v-3M11 4h5v5M16 4l-7 7";

/**
 * @typedef {{
 *   texts: SwitcherTexts,
 *   badge(organization: Organization): Node,
 *   address(organization: OrganizationState): string,
 *   choose(event: MouseEvent, organization: OrganizationState): void,
 *   visit(event: MouseEvent, organization: OrganizationState): void,
 * }} RowOptions
 */

/** The element's skeleton: its parts that stay. */
export function skeleton() {
  const badge = el("span", { part: "badge", "aria-hidden": "true" });
  const label = el("span", { class: "heard" });
  const name = el("span", { part: "name", "aria-hidden": "true" });
  const button = el("button", { part: "button", type: "button", "aria-haspopup": "menu", "aria-expanded": "false" }, label, badge, name, icon(chevron, "16", "chevron"));
  const heading = el("p", { part: "heading", "aria-hidden": "true" });
  const menu = el("div", { part: "menu", role: "menu" });
  const problem = el("div", { part: "problem", hidden: true });
  const hint = el("p", { part: "hint" });
  const popup = el("div", { part: "popup", popover: "auto", tabindex: "-1" }, heading, menu, problem, hint);
  const announcer = el("span", { class: "heard", role: "status" });
  button.popoverTargetElement = popup;
  return { button, label, badge, name, popup, heading, menu, problem, hint, announcer };
}

/**
 * The default drawing of an organization.
 * @param {Organization} organization
 */
export const initial = ({ name }) => el("span", { class: "initial" }, [...name][0]?.toUpperCase() ?? "");

/**
 * The menu's rows: a press on the first item works for the organization in this
 * tab, the arrow opens a new one. Both are links, so that a browser's own ways of
 * opening tabs work.
 * @param {readonly OrganizationState[]} organizations
 * @param {string | undefined} current the id of the tab's
 * @param {RowOptions} options
 */
export const rows = (organizations, current, options) => organizations.map((o) => row(o, o.id === current, options));

/**
 * @param {OrganizationState} organization
 * @param {boolean} here
 * @param {RowOptions} options
 */
function row(organization, here, { texts, badge, address, choose, visit }) {
  const { name } = organization;
  const href = address(organization);
  const note = noteFor(organization, texts);
  const text = el("span", { class: "text" }, el("span", { part: "item-name" }, name), ...(note ? [el("span", { part: "item-note" }, note)] : []));
  const item = el("a", { part: here ? "item current" : "item", role: "menuitemradio", "aria-checked": String(here), tabindex: "-1", rel: "noopener", href },
    el("span", { part: "badge", "aria-hidden": "true" }, badge(organization)), text);
  item.dataset.name = name;
  item.dataset.organization = organization.slug;
  if (here) item.append(icon(check, "20", "check"));
  item.addEventListener("click", (event) => choose(event, organization));
  const open = el("a", { part: "open", role: "menuitem", tabindex: "-1", target: "_blank", rel: "noopener", href, "aria-label": texts.open(name), title: texts.open(name) }, icon(external, "20"));
  open.addEventListener("click", (event) => visit(event, organization));
  for (const link of [item, open]) link.addEventListener("auxclick", (event) => event.button === 1 && visit(event, organization));
  return el("div", { class: "row", role: "none" }, item, open);
}

/**
 * The row that leads from an organization's own origin to the app's own page.
 * @param {string} text
 * @param {string} href
 * @param {(event: MouseEvent) => void} choose
 */
export function wayHome(text, href, choose) {
  const item = el("a", { part: "item", role: "menuitem", tabindex: "-1", rel: "noopener", href }, el("span", { class: "text" }, el("span", { part: "item-name" }, text)));
  item.addEventListener("click", choose);
  return el("div", { class: "row", role: "none" }, item);
}

/**
 * @param {OrganizationState} organization
 * @param {SwitcherTexts} texts
 */
function noteFor({ roles, state }, texts) {
  const notes = { active: "", available: "", step_up_required: texts.stepUpRequired, expired: texts.expired };
  return [roles.join(", "), notes[state]].filter(Boolean).join(" · ");
}

/**
 * Where a popup goes: below its opener, or above it where there is no room, and
 * within the window.
 * @param {HTMLElement} popup
 * @param {HTMLElement} opener
 */
export function place(popup, opener) {
  const at = opener.getBoundingClientRect();
  const width = Math.min(384, innerWidth - 24);
  const height = popup.offsetHeight;
  const left = at.left + width <= innerWidth - 12 ? at.left : at.right - width;
  const above = at.bottom + 8 + height > innerHeight && at.top - 8 - height >= 0;
  popup.style.setProperty("--_left", `${Math.max(12, left)}px`);
  popup.style.setProperty("--_top", `${above ? at.top - 8 - height : at.bottom + 8}px`);
}

// The organisation switcher and the account menu.
import { $, el, fill, icon } from "/dom.js";
import { badge } from "/livery.js";
import { record } from "/log.js";

const outward = "M8 4H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1v-3M11 4h5v5M16 4l-7 7";
const check = "m4 10.5 4 4 8-9";
const stateWords = { step_up_required: "asks to confirm that it is you", expired: "asks to sign in again" };

export function showMenus(tabard, state) {
  const active = state.status === "active";
  $("switcher").hidden = !active;
  $("person").hidden = !state.user;
  if (state.user) showPerson(tabard, state);
  if (!active) return;
  fill($("switcher-badge"), badge(state.organization));
  fill($("switcher-name"), state.organization.name);
  $("open-another").hidden = state.organizations.length < 2;
  fill($("organization-list"), ...state.organizations.map((organization) => organizationRow(tabard, organization, state.organization)));
}

/** One organisation: a press works for it in this tab, the arrow in a new one. */
export function organizationRow(tabard, organization, current) {
  const here = organization.id === current?.id;
  const row = el("button", { className: "menu-row" }, badge(organization),
    el("span", { className: "menu-text" }, el("strong", {}, organization.name), el("span", {}, describe(organization))));
  if (here) {
    row.setAttribute("aria-current", "true");
    row.append(icon(check, "here"));
  }
  row.addEventListener("click", () => (here ? closeMenus() : enter(tabard, organization)));
  const open = el("button", { className: "menu-open", title: "Open in a new tab", attributes: { "aria-label": `Open ${organization.name} in a new tab` } }, icon(outward));
  open.addEventListener("click", () => {
    closeMenus();
    record(`Opened ${organization.name} in a tab of its own.`);
    tabard.openTab(organization.slug);
  });
  return el("li", { attributes: { "data-organization": organization.slug } }, row, open);
}

function describe(organization) {
  return [organization.roles.join(", "), stateWords[organization.state]].filter(Boolean).join(" · ");
}

/** Switches this tab. Whatever comes of it, the tab keeps what it had until it has the new one. */
export async function enter(tabard, organization) {
  closeMenus();
  const result = await tabard.switchOrganization(organization.slug);
  if (result.status === "switched") return;
  if (result.continue) {
    record(`${organization.name} asks to confirm that it is you.`);
    result.continue();
    return;
  }
  record(`Not switched to ${organization.name}: ${result.error?.code ?? result.status}. This tab stays as it was.`, "refused");
}

function showPerson(tabard, state) {
  const { user, organization } = state;
  const name = user.name ?? user.email ?? user.sub;
  fill($("person"), initials(name));
  $("person").setAttribute("aria-label", `Account of ${name}`);
  fill($("person-name"), name);
  fill($("person-email"), user.email ?? "");
  $("sign-out-organization").parentElement.hidden = state.status !== "active";
  fill($("sign-out-organization"), `Sign out of ${organization?.name ?? "this organisation"} only`);
  for (const scope of ["organization", "session", "everywhere"]) {
    $(`sign-out-${scope}`).onclick = () => {
      closeMenus();
      tabard.signOut({ scope });
    };
  }
}

function initials(name) {
  return name.split(/[\s@]+/).slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();
}

export function closeMenus() {
  for (const menu of document.querySelectorAll(".menu:popover-open")) menu.hidePopover();
}

// A menu opens below the bar, within the window, near the button that opened it.
for (const menu of document.querySelectorAll(".menu")) {
  menu.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open") return;
    const opener = $(menu.id === "person-menu" ? "person" : "switcher").getBoundingClientRect();
    const width = Math.min(384, innerWidth - 24);
    menu.style.setProperty("--menu-top", `${opener.bottom + 8}px`);
    menu.style.setProperty("--menu-left", `${Math.max(12, Math.min(opener.right - width, innerWidth - width - 12))}px`);
  });
}

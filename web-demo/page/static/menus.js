// The organization switcher (the package's own), lists of organizations, and the account menu.
import "/auth/client/switcher.js";
import { $, announce, el, fill, icon } from "/dom.js";
import { badge, styledBadge } from "/theme.js";
import { record } from "/log.js";

const outward = "M8 4H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1v-3M11 4h5v5M16 4l-7 7";
const stateWords = { step_up_required: "asks to confirm that it is you", expired: "asks to sign in again" };

/** Hands the switcher its client. It asks for the person's organizations; they come with the state. */
export function beginMenus(tabard) {
  const switcher = $("switcher");
  switcher.badge = styledBadge;
  switcher.client = tabard;
  switcher.addEventListener("tabard-switch", ({ detail }) => {
    if (detail.status !== "switched" && detail.status !== "overtaken") record(`Not switched: ${detail.code}. This tab stays as it was.`, "refused");
  });
  $("open-another").addEventListener("click", () => switcher.open());
}

export function showMenus(tabard, { status, organization, organizations, user }) {
  const active = status === "active";
  $("switcher").hidden = !active;
  $("hero-note").hidden = organizations?.length === 1;
  $("person").hidden = !user;
  if (user) showPerson(tabard, user, active ? organization : undefined);
  $("open-another").hidden = !(organizations?.length > 1);
}

const listed = new WeakMap();

/** Lists organizations, and leaves a list that is right as it is: it may have the focus. */
export function list(element, tabard, organizations) {
  const text = JSON.stringify(organizations);
  if (listed.get(element) === text) return;
  listed.set(element, text);
  fill(element, ...(organizations ?? []).map((organization) => row(tabard, organization)));
}

// One organization: a press works for it in this tab, the arrow in a new one.
function row(tabard, organization) {
  const choose = el("button", { className: "menu-row" }, badge(organization),
    el("span", { className: "menu-text" }, el("strong", {}, organization.name), el("span", {}, describe(organization))));
  choose.addEventListener("click", () => enter(tabard, organization));
  const open = el("button", { className: "menu-open", title: "Open in a new tab", attributes: { "aria-label": `Open ${organization.name} in a new tab` } }, icon(outward));
  open.addEventListener("click", () => {
    record(`Opened ${organization.name} in a tab of its own.`);
    tabard.openTab(organization.slug);
  });
  return el("li", { attributes: { "data-organization": organization.slug } }, choose, open);
}

function describe(organization) {
  return [organization.roles.join(", "), stateWords[organization.state]].filter(Boolean).join(" · ");
}

/** Switches this tab. Until it has the new organization, the tab keeps the one before. */
export async function enter(tabard, organization) {
  const result = await tabard.switchOrganization(organization.slug);
  if (result.status === "step_up_required") {
    record(`${organization.name} asks to confirm that it is you.`);
    result.continue();
  } else if (result.status !== "switched" && result.status !== "overtaken") {
    record(`Not switched to ${organization.name}: ${result.code}. This tab stays as it was.`, "refused");
  }
}

function showPerson(tabard, user, organization) {
  const name = user.name || user.email || user.sub;
  fill($("person"), el("span", { attributes: { "aria-hidden": "true" } }, initials(name)), el("span", { className: "hidden" }, `Account of ${name}`));
  fill($("person-name"), name);
  fill($("person-email"), user.email);
  $("sign-out-organization").parentElement.hidden = !organization;
  fill($("sign-out-organization"), `Sign out of ${organization?.name} only`);
  for (const scope of ["organization", "session", "everywhere"]) {
    $(`sign-out-${scope}`).onclick = () => signOut(tabard, scope);
  }
}

/** Signs out. The provider's own session may go on: the welcome screen offers to end it too. */
export async function signOut(tabard, scope) {
  closeMenus();
  try {
    const { endSessionUrl } = await tabard.signOut({ scope });
    $("provider-session").hidden = !endSessionUrl;
    if (endSessionUrl) $("end-provider-session").onclick = () => location.assign(endSessionUrl);
  } catch (error) {
    if (error.continue) {
      record("Other sessions end once it is confirmed that it is you.");
      return error.continue();
    }
    record(`Not signed out: ${error.code}. Please try again.`, "refused");
    announce("Signing out did not work. Please try again.");
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
    const opener = $("person").getBoundingClientRect();
    const width = Math.min(384, innerWidth - 24);
    menu.style.setProperty("--menu-top", `${opener.bottom + 8}px`);
    menu.style.setProperty("--menu-left", `${Math.max(12, Math.min(opener.right - width, innerWidth - width - 12))}px`);
  });
}

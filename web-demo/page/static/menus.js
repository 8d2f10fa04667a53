// The organisation switcher and the account menu.
import { $, announce, el, fill, icon } from "/dom.js";
import { badge } from "/livery.js";
import { record } from "/log.js";

const outward = "M8 4H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1v-3M11 4h5v5M16 4l-7 7";
const check = "m4 10.5 4 4 8-9";
const stateWords = { step_up_required: "asks to confirm that it is you", expired: "asks to sign in again" };

let client;
let asked; // the fence of the state in which the organisations were asked for

export function showMenus(tabard, state) {
  client = tabard;
  const { status, organization, organizations, user } = state;
  const active = status === "active";
  const alone = organizations?.length === 1;
  $("switcher").hidden = !active || alone;
  $("hero-note").hidden = alone;
  $("person").hidden = !user;
  if (user) showPerson(tabard, user, active ? organization : undefined);
  if (!active) return;
  askOnce(state);
  fill($("switcher-badge"), badge(organization));
  fill($("switcher-name"), organization.name);
  $("open-another").hidden = !(organizations?.length > 1);
  list($("organization-list"), tabard, organizations, organization);
}

/** Asks for the person's organisations where the state has none yet; the answer is a new state. */
export function askOnce({ fence, organizations }) {
  if (organizations || asked === fence) return;
  asked = fence;
  refresh();
}

function refresh() {
  client.organizations().catch(() => {}); // the next opening of the menu asks again
}

const listed = new WeakMap();

/** Lists organisations, and leaves a list that is right as it is: somebody may have the focus in it. */
export function list(element, tabard, organizations, current) {
  const text = JSON.stringify([organizations, current?.id]);
  if (listed.get(element) === text) return;
  listed.set(element, text);
  fill(element, ...(organizations ?? []).map((organization) => row(tabard, organization, current)));
}

// One organisation: a press works for it in this tab, the arrow in a new one.
function row(tabard, organization, current) {
  const here = organization.id === current?.id;
  const choose = el("button", { className: "menu-row" }, badge(organization),
    el("span", { className: "menu-text" }, el("strong", {}, organization.name), el("span", {}, describe(organization))));
  if (here) {
    choose.setAttribute("aria-current", "true");
    choose.append(icon(check, "here"));
  }
  choose.addEventListener("click", () => (here ? closeMenus() : enter(tabard, organization)));
  const open = el("button", { className: "menu-open", title: "Open in a new tab", attributes: { "aria-label": `Open ${organization.name} in a new tab` } }, icon(outward));
  open.addEventListener("click", () => {
    closeMenus();
    record(`Opened ${organization.name} in a tab of its own.`);
    tabard.openTab(organization.slug);
  });
  return el("li", { attributes: { "data-organization": organization.slug } }, choose, open);
}

function describe(organization) {
  return [organization.roles.join(", "), stateWords[organization.state]].filter(Boolean).join(" · ");
}

/** Switches this tab. Whatever comes of it, the tab keeps what it had until it has the new one. */
export async function enter(tabard, organization) {
  closeMenus();
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
  fill($("person"), initials(name));
  $("person").setAttribute("aria-label", `Account of ${name}`);
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
    if (menu.id === "organizations") refresh();
    const opener = $(menu.id === "person-menu" ? "person" : "switcher").getBoundingClientRect();
    const width = Math.min(384, innerWidth - 24);
    menu.style.setProperty("--menu-top", `${opener.bottom + 8}px`);
    menu.style.setProperty("--menu-left", `${Math.max(12, Math.min(opener.right - width, innerWidth - width - 12))}px`);
  });
}

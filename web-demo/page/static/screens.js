// The head of the tab's organisation, and the screens for a tab that has none.
import { $, el, fill } from "/dom.js";
import { badge } from "/livery.js";
import { enter, organizationRow } from "/menus.js";

export function showHead({ organization, roles }) {
  fill($("hero-badge"), badge(organization));
  fill($("organization-name"), organization.name);
  fill($("hero-roles"), ...roles.map((role) => el("span", { className: "role" }, role)));
}

export function showChoices(tabard, { organizations }) {
  fill($("choices"), ...organizations.map((organization) => organizationRow(tabard, organization)));
}

/** Signed in, and let in nowhere: who they are to the provider is what an administrator needs. */
export function showNobody({ user }) {
  fill($("nobody-name"), user.name ?? "unknown");
  fill($("nobody-email"), user.email ?? "unknown");
  fill($("nobody-issuer"), user.iss);
  fill($("nobody-subject"), user.sub);
  fill($("nobody-command"), `bin/tabard members admit --organization acme --role viewer --iss ${user.iss} --sub ${user.sub}`);
}

export function showEnded(tabard, { organization, organizations }) {
  const others = organizations.filter((other) => other.id !== organization.id);
  fill($("ended-title"), `Your session at ${organization.name} has ended`);
  fill($("ended-reason"), "You signed out of it, or it was idle for too long. Your other organisations go on.");
  fill($("ended-again"), `Enter ${organization.name} again`);
  $("ended-again").onclick = () => enter(tabard, organization);
  $("ended-others").hidden = others.length === 0;
  fill($("ended-choices"), ...others.map((other) => organizationRow(tabard, other)));
}

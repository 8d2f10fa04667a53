// The head of the tab's organization, and the screens for a tab that has none.
import { $, el, fill } from "/dom.js";
import { badge } from "/theme.js";
import { enter, list, signOut } from "/menus.js";

export function showHead({ organization, roles }) {
  fill($("hero-badge"), badge(organization));
  fill($("organization-name"), organization.name);
  fill($("hero-roles"), ...roles.map((role) => el("span", { className: "role" }, role)));
}

/** Takes the organization's name off the screen. */
export function forgetHead() {
  for (const id of ["hero-badge", "organization-name", "hero-roles"]) fill($(id));
}

const signedOutReasons = {
  login_required: "",
  session_expired: "Your session has ended. Please sign in again.",
  session_limit: "You signed in in another browser, and only so many are allowed at once. Please sign in again.",
  session_revoked: "This session was ended. Please sign in again.",
  refresh_token_reused: "To be safe, this session was ended: somebody else may have used it. Please sign in again.",
  access_denied: "The sign-in was cancelled.",
  connection_disabled: "That organization's own sign-in page is switched off just now.",
  authentication_not_renewed: "It asks to sign in again, and the sign-in page did not ask. Its administrator has to change one of the two.",
  identity_changed: "Somebody else answered at the sign-in page. Nothing was changed.",
};

export function showWelcome(tabard, { error }) {
  const text = error ? (signedOutReasons[error.reason] ?? signedOutReasons[error.code] ?? `The sign-in did not work (${error.code}). Please try again.`) : "";
  fill($("sign-in-problem"), text);
  $("sign-in-problem").hidden = !text;
}

export function showChoices(tabard, { organizations }) {
  list($("choices"), tabard, organizations);
}

/** Signed in, and let in nowhere: an administrator needs their id at the provider. */
export function showNobody(tabard, { user }) {
  fill($("nobody-name"), user.name || "unknown");
  fill($("nobody-email"), user.email || "unknown");
  fill($("nobody-issuer"), user.iss);
  fill($("nobody-subject"), user.sub);
  fill($("nobody-command"), `bin/tabard members admit --organization acme --role viewer \\\n  --user ${user.id} --database sqlite:.run/tabard.db`);
  $("nobody-sign-out").onclick = () => signOut(tabard, "session");
}

const endedReasons = {
  origin_not_joined: "You are signed in at another address of this product, and its sign-in provider asks who you are.",
  idle: "Nobody did anything here for too long.",
  expired: "You were here for as long as it allows.",
  signed_out: "You signed out of it.",
  superseded: "You went on with it in another browser.",
  provider_refused: "Its own sign-in page no longer knows you.",
  revoked: "An administrator ended your session in it.",
  removed: "Your access to it was taken away meanwhile.",
  organization_access_denied: "You do not have access to it, or no longer.",
  insufficient_user_authentication: "It asks for more than your sign-in so far: a second factor, such as a code from your phone, or its own sign-in page.",
  connection_disabled: "Its own sign-in page is switched off just now.",
  auth_time_missing: "It asks how long ago you signed in, and the sign-in page does not say. Its administrator has to change one of the two.",
  authentication_not_renewed: "It asks to sign in again, and the sign-in page did not ask. Its administrator has to change one of the two.",
  identity_changed: "Somebody else has signed in in this browser.",
};

/** The way back in: to confirm, or just to enter. */
const confirms = (error) => ["idle", "expired", "revoked"].includes(error?.reason) || error?.code === "insufficient_user_authentication";

export function showEnded(tabard, { organization, organizations, error, named, user }) {
  const name = organization?.name ?? named ?? "this organization";
  const others = organizations?.filter((other) => other.id !== organization?.id) ?? [];
  const asks = error?.code === "insufficient_user_authentication" && !error.reason;
  const denied = error?.code === "organization_access_denied";
  fill($("ended-title"), asks ? `${name} asks to confirm that it is you` : joins(error) ? "Sign in here, too" : denied ? `You cannot enter ${name}` : `Your session at ${name} has ended`);
  const person = named && user ? ` You are signed in as ${user.name || user.email || user.sub}.` : "";
  fill($("ended-reason"), `${endedReasons[error?.reason] ?? endedReasons[error?.code] ?? endedReasons.signed_out}${person} Your other tabs go on.`);
  showWayBack(tabard, organization, error);
  $("ended-others").hidden = others.length === 0;
  list($("ended-choices"), tabard, others);
}

/** Whether the browser is signed in at another origin of the app, and not at this one. */
const joins = (error) => error?.code === "origin_not_joined";

function showWayBack(tabard, organization, error) {
  const again = $("ended-again");
  const changed = error?.code === "identity_changed";
  again.hidden = !changed && !joins(error) && (!organization || error?.code === "organization_access_denied");
  fill(again, changed || joins(error) ? "Sign in" : confirms(error) ? "Confirm that it is you" : `Enter ${organization?.name} again`);
  again.onclick = () => (changed || joins(error) ? tabard.signIn() : enter(tabard, organization));
}

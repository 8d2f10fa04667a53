// The tab's token: the claims of its access token, how long it still lives,
// and the answer of another organization's API.
import { $, el, fill, onPress } from "/dom.js";
import { record } from "/log.js";

let tabard;
let state;
let raw; // the token on the screen
let claims;
let timer;
let doors; // the organizations that the doors on the screen lead to

export function watchToken(client, current) {
  [tabard, state] = [client, current];
  showDoors();
  look();
}

/** Takes the token off the screen: the tab no longer works for its organization. */
export function forgetToken() {
  clearTimeout(timer);
  [state, raw, claims, doors] = [];
  for (const id of ["claims", "all-claims", "token-life", "doors", "door-answer"]) fill($(id));
}

// Once a second, while the page is visible: a request for the token renews it in time.
async function look() {
  clearTimeout(timer);
  const asked = state;
  try {
    const token = await tabard.getToken();
    if (state !== asked) return;
    if (token !== raw) show(token);
    countDown();
  } catch (error) {
    if (state !== asked) return;
    fill($("token-life"), `No new one at the moment (${error.code ?? "unknown"})`);
  }
  if (!document.hidden) timer = setTimeout(look, 1000);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && state) look();
});

function show(token) {
  const renewed = raw !== undefined;
  [raw, claims] = [token, decode(token)];
  if (renewed) record(`A new token for ${state.organization.name}, good for ${clock(claims.exp - claims.iat)}.`, "good");
  fill($("claims"),
    ...fact("Organization", claims.org_id), ...fact("Person", claims.sub), ...fact("Permissions", claims.permissions.join(", ")),
    ...fact("Good for", claims.aud), ...fact("Signed in", time(claims.auth_time)), ...fact("Until", time(claims.exp)));
  fill($("all-claims"), JSON.stringify(claims, null, 2));
}

const fact = (name, value) => [el("dt", {}, name), el("dd", {}, value)];
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function countDown() {
  const left = Math.max(0, claims.exp - Date.now() / 1000);
  fill($("token-life"), `${clock(left)} left, then it renews itself`);
  $("ring").style.setProperty("--left", 100 * Math.min(1, left / (claims.exp - claims.iat)));
}

/** The claims are read for show. Their effect is decided where the signature is verified. */
function decode(token) {
  const bytes = Uint8Array.from(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function showDoors() {
  const others = (state.organizations ?? []).filter((other) => other.id !== state.organization.id);
  const names = JSON.stringify(others);
  if (names === doors) return;
  doors = names;
  $("wrong-door").hidden = others.length === 0;
  fill($("doors"), ...others.map(door));
}

function door(other) {
  const button = el("button", { className: "button plain small", attributes: { "data-door": other.slug } }, `Ask ${other.name}`);
  onPress(button, () => knock(other).catch((error) => {
    if (error.name !== "AbortError") fill($("door-answer"), `No answer: ${error.code ?? "the server cannot be reached"}.`);
  }));
  return button;
}

async function knock(other) {
  const mine = state;
  const response = await tabard.fetch(`/api/organizations/${other.id}/notes`);
  const body = await response.json();
  if (state?.organization.id !== mine.organization.id) return;
  const answer = `${response.status} ${body.error ?? "let in"}`;
  fill($("door-answer"), el("strong", {}, answer), `: ${body.error_description ?? "this should not have happened"}.`);
  record(`Asked ${other.name} with this tab's token: ${answer}.`, response.ok ? "refused" : "good");
}

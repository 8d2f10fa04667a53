// The reports: the client of the same backend, in an app of its own.
const { backend, notes } = await (await fetch("/backend.json")).json();
const { createClient } = await import(backend + "/client/tabard.js");

const $ = (id) => document.getElementById(id);
const tabard = createClient({ backend });
window.tabard = tabard;

for (const id of ["to-notes", "back-to-notes", "notes-again"]) $(id).href = notes;
$("sign-out").addEventListener("click", () => tabard.signOut({ scope: "session" }));

let shown; // what the report on the screen belongs to

function render(state) {
  document.body.dataset.screen = state.status === "choose" ? "signed_out" : state.status;
  $("who").textContent = state.user?.name ?? "";
  $("ended-reason").textContent = state.error?.message ?? "";
  if (state.status === "active") show(state);
  else forget();
}

function forget() {
  shown = undefined;
  for (const id of ["organization", "headline", "notes", "words", "authors", "days"]) $(id).replaceChildren();
}

async function show({ organization }) {
  if (shown === tabard.partition) return;
  shown = tabard.partition;
  $("organization").textContent = organization.name;
  const mine = shown;
  const response = await tabard.fetch(`/api/organizations/${organization.id}/report`);
  const report = await response.json();
  if (shown !== mine || !response.ok) return;
  $("headline").textContent = report.notes === 1 ? "One note" : `${report.notes} notes`;
  for (const id of ["notes", "words", "authors"]) $(id).textContent = report[id];
  const most = Math.max(1, ...report.days);
  $("days").replaceChildren(...report.days.map((n, i) => bar(n, n / most, report.days.length - 1 - i)));
}

const today = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function bar(count, height, ago) {
  const item = document.createElement("li");
  item.textContent = count;
  item.className = count ? "" : "none";
  item.title = today.format(-ago, "day");
  item.style.setProperty("--height", height);
  return item;
}

tabard.subscribe(render);
render(tabard.state);

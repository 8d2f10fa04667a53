// The notes of the tab's organization, read and written with the tab's token.
import { $, announce, el, fill, onPress } from "/dom.js";
import { hasDraft } from "/draft.js";
import { record } from "/log.js";

let tabard;
let organization; // whose notes are on the screen
let permissions = [];
let user;

export function showNotes(client, state) {
  const changed = organization?.id !== state.organization.id;
  [tabard, organization, permissions, user] = [client, state.organization, state.permissions, state.user];
  $("note-form").hidden = !permissions.includes("notes:write");
  $("note-hint").hidden = !$("note-form").hidden;
  fill($("note-hint"), `Your role at ${organization.name} lets you read notes, not write them.`);
  if (changed) load();
}

/** Takes every note off the screen: the tab no longer works for their organization. */
export function forgetNotes() {
  if (organization && hasDraft()) record(`The note for ${organization.name} that was not saved is thrown away.`);
  organization = undefined;
  fill($("note-list"));
  $("note-text").value = "";
  $("note-problem").hidden = true;
  $("note-confirm").hidden = true;
}

const address = (suffix = "") => `/api/organizations/${organization.id}/notes${suffix}`;

async function load() {
  $("note-list").setAttribute("aria-busy", "true");
  const body = await ask(address());
  if (!body) return;
  $("note-list").setAttribute("aria-busy", "false");
  const items = body.notes.map(item);
  fill($("note-list"), ...(items.length ? items : [el("li", { className: "empty" }, "No notes yet.")]));
}

// Asks the API; undefined where it refused, or where the tab has gone on to something else by now.
async function ask(path, options) {
  const { id } = organization;
  $("note-problem").hidden = true;
  $("note-confirm").hidden = true;
  try {
    const response = await tabard.fetch(path, options);
    const body = response.status === 204 ? {} : await response.json();
    if (id !== organization?.id) return undefined;
    if (response.ok) return body;
    complain(body.error_description ?? `the server answered ${response.status}`);
  } catch (error) {
    if (error.continue && id === organization?.id) offerStepUp(error);
    else if (error.name !== "AbortError" && id === organization?.id) complain(error.code ?? "the server cannot be reached");
  }
  return undefined;
}

function complain(reason) {
  $("note-problem").textContent = `That did not work: ${reason}.`;
  $("note-problem").hidden = false;
  record(`Refused: ${reason}.`, "refused");
}

// The API's conditions for an export: see the buttons below.
let stepUp;

function offerStepUp(error) {
  stepUp = error;
  $("note-confirm").hidden = false;
  record("The API asks for a second factor.", "refused");
}

async function confirm(options) {
  try {
    await stepUp.continue(options);
    await exportNotes();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.continue) stepUp = error;
    complain(error.code ?? "the second factor is missing");
    $("note-confirm").hidden = !error.continue;
  }
}

async function exportNotes() {
  const { name, slug } = organization;
  const body = await ask(address("/export"));
  if (!body) return;
  const url = URL.createObjectURL(new Blob([JSON.stringify(body.notes, null, 2)], { type: "application/json" }));
  el("a", { href: url, download: `notes-${slug}.json` }).click();
  URL.revokeObjectURL(url);
  record(`Exported ${body.notes.length} notes of ${name}.`, "good");
  announce("Notes exported.");
}

onPress($("note-export"), exportNotes);
onPress($("note-confirm-window"), () => confirm({ popup: true }));
onPress($("note-confirm-here"), () => confirm());

function item(note) {
  const when = new Date(note.written_at * 1000);
  const meta = [note.author && note.author === user.id ? "You" : "", when.toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit" })];
  const row = el("li", {}, el("div", { className: "note-body" },
    el("p", { className: "note-text" }, note.text),
    el("p", { className: "note-meta" }, meta.filter(Boolean).join(" · "))));
  if (permissions.includes("notes:delete")) row.append(deleteButton(note, row));
  return row;
}

function deleteButton(note, row) {
  const button = el("button", { className: "delete", attributes: { "aria-label": `Delete note: ${note.text.slice(0, 60)}` } }, "Delete");
  onPress(button, async () => {
    const { name } = organization;
    if (!(await ask(address(`/${note.id}`), { method: "DELETE" }))) return;
    const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector(".delete");
    row.remove();
    (next ?? $("note-text")).focus();
    record(`Deleted a note of ${name}.`, "good");
    announce("Note deleted.");
    if (!$("note-list").children.length) load();
  });
  return button;
}

onPress($("note-add"), async () => {
  if (!$("note-form").reportValidity()) return;
  const { name } = organization;
  const body = JSON.stringify({ text: $("note-text").value });
  $("note-text").readOnly = true; // what is typed now would be thrown away
  const note = await ask(address(), { method: "POST", headers: { "Content-Type": "application/json" }, body });
  $("note-text").readOnly = false;
  if (!note) return;
  $("note-list").querySelector(".empty")?.remove();
  $("note-list").prepend(item(note));
  $("note-text").value = "";
  $("note-text").focus();
  record(`Added a note for ${name}.`, "good");
  announce("Note added.");
});

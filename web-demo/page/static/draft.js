// The note that is not saved: the page asks before it is lost.
import { $ } from "/dom.js";

const text = $("note-text");
const dialog = $("draft");
let agreed = false; // to lose the text

/** Whether there is a note to lose. */
export const hasDraft = () => text.value.trim() !== "";

/** Asks before the tab leaves the organization that the note was written for, and before the page is left. */
export function askAboutDraft(tabard) {
  tabard.beforeSwitch(({ from }) => (hasDraft() ? ask(from, tabard.partition.signal) : undefined));
  text.addEventListener("input", () => (agreed = false));
  window.addEventListener("beforeunload", (event) => hasDraft() && !agreed && event.preventDefault());
}

/** Asks the person. The question ends with the organization's session. */
function ask({ name }, signal) {
  $("draft-title").textContent = `Your note for ${name} is not saved`;
  const asking = new AbortController();
  signal.addEventListener("abort", () => dialog.close("stay"), { signal: asking.signal });
  dialog.returnValue = "stay";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    asking.abort();
    resolve((agreed = dialog.returnValue === "leave"));
  }, { once: true }));
}

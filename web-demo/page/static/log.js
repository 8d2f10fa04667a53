// The events of this tab, newest first.
import { $, el } from "/dom.js";

const longest = 60;

/** Writes an event down; kind is "good", "refused" or empty. */
export function record(text, kind = "") {
  const now = new Date();
  const time = el("time", { dateTime: now.toISOString() }, now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
  $("log").prepend(el("li", {}, time, el("span", { className: kind }, text)));
  while ($("log").children.length > longest) $("log").lastElementChild.remove();
}

// The warning before an organization ends an idle session.
import { $, announce, fill } from "/dom.js";
import { record } from "/log.js";

let warned = false;

export function showIdle({ idle, status, organization }) {
  $("idle").hidden = !idle;
  if (idle) fill($("idle-text"), `Are you still there? ${organization.name} ends your session in ${idle.secondsLeft} s.`);
  if (idle && !warned) {
    record(`${organization.name} is about to end: nobody does anything here.`);
    announce(`${organization.name} ends your session in ${idle.secondsLeft} seconds. Press a key to stay.`);
  }
  if (!idle && warned && status === "active") record("Somebody is here: the session goes on.", "good");
  warned = Boolean(idle);
}

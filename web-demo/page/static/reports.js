// The way into the other app: this browser begins, this app's server vouches for the
// person and gets a code for this browser, and a form takes the code to the backend.
import { $, el, fill, onPress } from "/dom.js";

let tabard;
let state;

export function showReports(client, current) {
  [tabard, state] = [client, current];
}

async function post(fetch, address, body) {
  const response = await fetch(address, {
    method: "POST", headers: { "Content-Type": "application/json", "Tabard-Client": "demo" }, body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error_description);
  return answer;
}

async function open() {
  const { code_challenge } = await post(fetch, "/auth/handover", {});
  const address = `/api/organizations/${state.organization.id}/reports`;
  const { code, redeem_at } = await post(tabard.fetch, address, { code_challenge });
  const form = el("form", { method: "post", action: redeem_at, hidden: true }, el("input", { name: "code", value: code }));
  document.body.append(form);
  form.submit();
}

onPress($("open-reports"), async () => {
  $("reports-problem").hidden = true;
  try {
    await open();
  } catch (error) {
    fill($("reports-problem"), `The reports did not open: ${error.message}`);
    $("reports-problem").hidden = false;
  }
});

// @ts-check
// Shows that everybody is signed out before the module can. It is loaded beside the question,
// and imports nothing of the client, which may be of another release.

import { isSignedOut } from "./ended.js";

/**
 * Shows an answer that says so. The rest of an answer does not count: the module asks by itself.
 * @param {import("./store.js").Store} store
 * @param {() => unknown} isOpen reports whether the module is still awaited
 * @param {Response} answer
 */
export async function show(store, isOpen, answer) {
  const { error, error_description: description } = await answer.json();
  if (!isSignedOut(error) || !isOpen()) return;
  store.changed(JSON.stringify({ ...store.state, status: "signed_out", error: { code: error, action: "sign_in", description } }), true);
}

// The end of a step-up in a window of its own. It tells the tab that waits, and closes the
// window. It is served from the app's own origin, beside popup.html, and knows no token.

(() => {
  const address = new URL(location.href);
  const parameters = new URLSearchParams(address.hash.slice(1));
  const [stepUp, key] = [parameters.get("id"), parameters.get("key")];
  const code = address.searchParams.get("tabard_error");
  if (!stepUp || !key?.startsWith("tabard:")) return;
  const message = { stepUp, error: code && (/^[a-z_]{1,64}$/.test(code) ? code : "server_error") };
  try {
    const channel = new BroadcastChannel(key);
    channel.postMessage("look again");
    channel.postMessage(message);
  } catch {
    // There is none: storage remains.
  }
  try {
    localStorage.setItem(key + ":step-up", JSON.stringify(message));
    localStorage.removeItem(key + ":step-up");
  } catch {
    // It is blocked: the tab looks when it has the focus.
  }
  window.close();
})();

// @ts-check

/** @import { Module } from "./module.js" */

/** @typedef {(target: EventTarget, type: string, listener: (event: any) => void, capture?: boolean) => void} Listen */

/**
 * Tells the module of the page's events, and of other tabs' messages. The
 * channel is closed while the page lies in the back/forward cache: a message
 * would evict it from there.
 * @param {string} key
 */
export function connectTabs(key) {
  /** @type {BroadcastChannel | undefined} */
  let channel;
  const closing = new AbortController();

  /** @param {Module} module */
  function open(module) {
    try {
      channel = new BroadcastChannel(key);
      channel.onmessage = ({ data }) => typeof data === "string" && data.length < 32 && module.tell("hear", data);
    } catch {
      // There is none, or the browser blocks it with storage.
    }
  }

  return {
    /** @param {string} message */
    send: (message) => channel?.postMessage(message),
    /** @param {Module} module */
    listen(module) {
      /** @type {Listen} */
      const on = (target, type, listener, capture) => target.addEventListener(type, listener, { signal: closing.signal, capture, passive: true });
      open(module);
      // A message can overtake the epoch that it is about; this comes when it is there.
      on(window, "storage", (event) => event.key?.startsWith(key + ":epoch") && module.tell("hear", "look again"));
      on(document, "visibilitychange", () => module.tell(document.hidden ? "hide" : "look"));
      on(window, "focus", () => module.tell("look"));
      on(window, "online", () => module.tell("look", "online"));
      on(window, "pagehide", () => (module.tell("freeze"), channel?.close()));
      on(window, "pageshow", ({ persisted }) => persisted && (open(module), module.resume()));
      watchInput(module, on);
    },
    close() {
      closing.abort();
      channel?.close();
    },
  };
}

/**
 * Tells the module that the person does something, once a second at most. What a
 * script makes, and a pointer under which only the page moves, is no person's doing.
 * @param {Module} module
 * @param {Listen} on
 */
function watchInput(module, on) {
  let reported = -1000;
  for (const type of ["keydown", "pointerdown", "pointermove", "touchmove", "wheel"]) {
    on(window, type, ({ isTrusted, timeStamp, movementX, movementY }) => {
      if (!isTrusted || timeStamp < reported + 1000 || (type === "pointermove" && !movementX && !movementY)) return;
      reported = timeStamp;
      module.tell("input");
    }, true);
  }
}

/**
 * An address as the page sees it.
 * @param {string | URL} [url] default: the page's own
 */
export const absolute = (url) => new URL(url ?? location.href, location.href);

/** Where the app begins, if it says so by `<base href>`. */
export const appBase = () => document.querySelector("base[href]") && document.baseURI;

/** The beginning of the names of the client's parameters. */
const prefix = "tabard_";

/**
 * The address at which a new tab acts for an organization.
 * @param {string} organization
 * @param {string | URL} [url] default: the page's
 * @param {{account?: string}} [state] the tab's, whose person the new one is to act for
 */
export function addressFor(organization, url, { account } = {}) {
  const target = absolute(url);
  target.searchParams.set(prefix + "organization", organization);
  if (account) target.searchParams.set(prefix + "account", account);
  return target;
}

/**
 * Runs a function once the page is one that a person sees, or may see: a page that is
 * prerendered has only a copy of the tab's storage, and no locks and no channel.
 * @param {(value?: any) => void} f
 */
export const afterPrerendering = (f) =>
  document.prerendering ? document.addEventListener("prerenderingchange", f, { once: true }) : f();

/**
 * Reads a parameter of the page's address that is the client's, and takes it away. The rest
 * stays as it is written.
 * @param {"organization" | "account" | "error" | "return" | "join"} name
 * @param {string} [within] the text before it: default, the address and the query
 */
export function takeParameter(name, within = "[^#]*[?&]") {
  const [, before, value, after] = location.href.match(`^(${within})${prefix + name}=([^&#]*)(.*)`) ?? [];
  if (before === undefined) return undefined;
  history.replaceState(history.state, "", after[0] === "&" ? before + after.slice(1) : before.slice(0, -1) + after);
  return /** @type {string} */ (new URLSearchParams("=" + value).get(""));
}

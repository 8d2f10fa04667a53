// @ts-check

/** @import { Module } from "./module.js" */

/**
 * Tells the module what happens to the page, and what other tabs say. The
 * channel is closed while the page lies in the back/forward cache: a message
 * would evict it from there.
 * @param {string} key
 */
export function joinTabs(key) {
  /** @type {BroadcastChannel | undefined} */
  let channel;
  const leaving = new AbortController();

  /** @param {Module} module */
  function open(module) {
    if (typeof BroadcastChannel === "undefined") return;
    channel = new BroadcastChannel(key);
    channel.onmessage = ({ data }) => module.tell("hear", String(data));
  }

  return {
    /** @param {string} message */
    send: (message) => channel?.postMessage(message),
    /** @param {Module} module */
    listen(module) {
      open(module);
      // A message can overtake the epoch that it is about; this comes when it is there.
      const arrived = (/** @type {StorageEvent} */ event) => event.key === key + ":epoch" && module.tell("hear", "look again");
      window.addEventListener("storage", arrived, { signal: leaving.signal });
      watch(module, leaving.signal);
      listen(module, leaving.signal, {
        left: () => channel?.close(),
        kept: () => open(module),
      });
    },
    close() {
      leaving.abort();
      channel?.close();
    },
  };
}

/**
 * @param {Module} module
 * @param {AbortSignal} signal ends the listening
 * @param {{left(): void, kept(): void}} cache is told when the page is left, and when it was kept and is shown again
 */
function listen(module, signal, cache) {
  document.addEventListener("visibilitychange", () => module.tell(document.hidden ? "hide" : "look"), { signal });
  window.addEventListener("focus", () => module.tell("look"), { signal });
  window.addEventListener("online", () => module.tell("look", "online"), { signal });
  window.addEventListener("pagehide", () => (module.tell("freeze"), cache.left()), { signal });
  window.addEventListener("pageshow", ({ persisted }) => persisted && (cache.kept(), module.thaw()), { signal });
}

/**
 * Tells the module that the person does something, once a second at most. What a
 * script makes, and a pointer under which only the page moves, is no person's doing.
 * @param {Module} module
 * @param {AbortSignal} signal ends the watching
 */
function watch(module, signal) {
  let told = -1000;
  /** @param {Event & {movementX?: number, movementY?: number}} event */
  const input = ({ isTrusted, type, timeStamp, movementX, movementY }) => {
    if (!isTrusted || timeStamp < told + 1000 || (type === "pointermove" && !movementX && !movementY)) return;
    told = timeStamp;
    module.tell("input");
  };
  for (const type of ["keydown", "pointerdown", "pointermove", "touchmove", "wheel"]) {
    window.addEventListener(type, input, { signal, capture: true, passive: true });
  }
}

/** The parameter by which an address tells a new tab which organisation to wear. */
export const organizationParameter = "tabard_organization";

/**
 * The address at which a new tab wears an organisation.
 * @param {string} organization
 * @param {string | URL} [url] default: the page's
 */
export function addressFor(organization, url = location.href) {
  const target = new URL(url, location.href);
  target.searchParams.set(organizationParameter, organization);
  return target;
}

/**
 * Runs a function once the page is one that a person sees, or may see: a page that is
 * prerendered has only a copy of the tab's storage, and no locks and no channel.
 * @param {(value?: any) => void} f
 */
export const whenShown = (f) =>
  document.prerendering ? document.addEventListener("prerenderingchange", f, { once: true }) : f();

/**
 * Reads a parameter of the page's address and takes it away.
 * @param {string} name
 */
export function takeParameter(name) {
  const url = new URL(location.href);
  const value = url.searchParams.get(name);
  if (value === null) return undefined;
  url.searchParams.delete(name);
  history.replaceState(history.state, "", url);
  return value;
}

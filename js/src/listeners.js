// @ts-check

/**
 * Adds a listener, and returns the function that takes it away.
 * @template {Function} Listener
 * @param {Set<Listener>} listeners
 * @param {Listener} listener
 */
export function listen(listeners, listener) {
  if (typeof listener !== "function") throw new TypeError("a listener must be a function");
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

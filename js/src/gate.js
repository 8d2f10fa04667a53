// @ts-check
// The question that a page asks before its tab leaves an organization.

/** @import { BeforeSwitch } from "../index.js" */

/** @typedef {(to: string) => Promise<boolean | undefined> | undefined} Ask */

/** The result of a switch that the page declined. */
export const declined = Object.freeze({
  status: /** @type {const} */ ("refused"), code: /** @type {const} */ ("switch_declined"), action: /** @type {const} */ ("stop"), description: "the page stays in its organization",
});

/** @param {import("./store.js").Store} store */
export function gateOf(store) {
  /** @type {Set<BeforeSwitch>} */
  const listeners = new Set();
  /** The question that is open. @type {Promise<boolean | undefined> | undefined} */
  let open;

  /** The first listener that answers decides. @type {(...change: Parameters<BeforeSwitch>) => Promise<boolean | undefined>} */
  async function answer(change) {
    try {
      for (const listener of listeners) {
        const agreed = await listener(change);
        if (agreed != null) return agreed;
      }
    } catch (error) {
      reportError(error);
      return false;
    }
  }

  return {
    /** @param {BeforeSwitch} listener */
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /**
     * Asks whether the tab may go to an organization. The answer is undefined where there is
     * nothing to ask about. Switches that begin while a question is open share its answer.
     * @type {Ask}
     */
    ask(to) {
      const { organization: from } = store.state;
      if (listeners.size && store.partition.key && from && from.id !== to && from.slug !== to) return (open ??= answer({ from, to }).finally(() => (open = undefined)));
    },
  };
}

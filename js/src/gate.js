// @ts-check
// The question that a page asks before its tab leaves an organization.

import { listen } from "./listeners.js";

/** @import { BeforeSwitch } from "../index.js" */

/** @typedef {(to: string) => Promise<boolean | undefined> | undefined} Ask */

/**
 * @param {import("./store.js").Store} store
 * @param {(listeners: Set<BeforeSwitch>, change: Parameters<BeforeSwitch>[0]) => Promise<boolean | undefined>} answer asks the listeners
 */
export function gateOf(store, answer) {
  /** `refuse` throws while a listener runs: a switch of its own would wait for its own answer. @type {Set<BeforeSwitch> & {refuse?(to: string): void}} */
  const listeners = new Set();
  /** The last answer: the chunks that ask may come in another order than they were called for. @type {ReturnType<Ask>} */
  let last;
  return {
    /** @param {BeforeSwitch} listener */
    add: (listener) => listen(listeners, listener),
    /**
     * Asks whether the tab may go to an organization. The answer is undefined where there is
     * nothing to ask about. A listener that fails, and a question that cannot be asked, keep the
     * organization. Answers come in the order of the questions.
     * @type {Ask}
     */
    ask(to) {
      const { organization: from } = store.state;
      if (!listeners.size || !store.partition.key || !from || from.id === to || from.slug === to) return;
      listeners.refuse?.(to);
      const before = last;
      return (last = answer(listeners, { from, to }).catch((error) => (reportError(error), false)).then(async (agreed) => (await before, agreed)));
    },
  };
}

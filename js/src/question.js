// @ts-check
// The question that a page asks before its tab leaves an organization. It is loaded when it is
// asked.

/** @import { BeforeSwitch } from "../index.js" */

/** The last question that was put to the listeners of a client. @type {WeakMap<Set<BeforeSwitch>, Question>} */
const questions = new WeakMap();

/**
 * Asks whether the tab may leave its organization. Switches that begin while a question is open
 * share its answer. Where the tab has left the organization meanwhile, the answer is no. It is
 * no as well where the listener was removed, as with its form, and another switch begins: that
 * one is asked about anew.
 * @param {Pick<import("./ondemand.js").Context, "scope">} context
 * @param {Set<BeforeSwitch>} listeners
 * @param {Parameters<BeforeSwitch>[0]} change
 */
export function ask({ scope }, listeners, change) {
  const open = questions.get(listeners);
  if (open && listeners.has(open.asked)) {
    setTimeout(remind, 5000, open, listeners, change);
    return open.answer;
  }
  open?.abandon();
  const question = new Question();
  scope().signal.addEventListener("abort", question.abandon);
  questions.set(listeners, question);
  return (question.answer = question.put(listeners, change).finally(() => questions.get(listeners) === question && questions.delete(listeners)));
}

/**
 * Says that a switch still waits for an answer. A listener that awaits a switch of its own does so
 * for ever.
 * @param {Question} question
 * @param {Set<BeforeSwitch>} listeners
 * @param {Parameters<BeforeSwitch>[0]} change
 */
function remind(question, listeners, { to }) {
  if (questions.get(listeners) === question) console.warn(`tabard: a switch to "${to}" waits for a listener of beforeSwitch that has not answered: if the listener asked for that switch, let it answer first`);
}

/**
 * Calls a listener, which must not ask for a switch: that would wait for the listener's own answer.
 * @param {Set<BeforeSwitch> & {refuse?(to: string): void}} listeners
 * @param {BeforeSwitch} listener
 * @param {Parameters<BeforeSwitch>[0]} change
 */
function call(listeners, listener, change) {
  listeners.refuse = (to) => {
    throw new TypeError(`a listener of beforeSwitch, asked about "${change.to}", switches to "${to}" itself, and would wait for its own answer: let it answer first; it may send with the tab's present organization as it is`);
  };
  try {
    return listener(change);
  } finally {
    delete listeners.refuse;
  }
}

class Question {
  /** The listener that is being asked. @type {BeforeSwitch} */
  asked = () => {};
  /** @type {Promise<boolean | undefined>} */
  answer = Promise.resolve(undefined);
  /** Ends the question with a no. @type {() => void} */
  abandon = () => {};
  /** @type {Promise<false>} */
  #abandoned = new Promise((resolve) => (this.abandon = () => resolve(false)));

  /**
   * Puts the question to all listeners, until one answers no: a yes is one form's, and says nothing of
   * what another holds. A listener that came after a yes, as of a form that draws anew when it is
   * asked, would ask the same again.
   * @param {Set<BeforeSwitch>} listeners
   * @param {Parameters<BeforeSwitch>[0]} change
   */
  async put(listeners, change) {
    const first = new Set(listeners);
    /** @type {boolean | undefined} */
    let all;
    for (const listener of listeners) {
      if (all && !first.has(listener)) continue;
      this.asked = listener;
      const agreed = await Promise.race([call(listeners, listener, change), this.#abandoned]);
      if (agreed == null) continue;
      if (typeof agreed !== "boolean") throw new TypeError(`a listener of beforeSwitch asks the person itself, and answers true to leave or false to stay; it answered: ${agreed}`);
      if (!agreed) return false;
      all = true;
    }
    return all;
  }
}

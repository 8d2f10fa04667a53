// @ts-check

/**
 * Throws for an option that a call does not have: without it the call would mean something else.
 * A button's event has no options.
 * @param {string} call
 * @param {unknown} given
 * @param {object} unknown the properties that are no options
 * @param {Window | null} [popup] opened for the call
 */
export function requireKnown(call, given, unknown, popup) {
  const isText = typeof given === "string";
  const [name] = isText || (given && [Object.prototype, null].includes(Object.getPrototypeOf(given))) ? Object.keys(unknown) : [];
  if (name === undefined) return;
  popup?.close();
  throw new TypeError(isText ? `${call} takes its options by name, in an object; given: ${given}` : `${call} has no option ${name}`);
}

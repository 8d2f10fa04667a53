// @ts-check

/**
 * A promise that is settled from outside. It may be rejected without a handler.
 * @template T
 */
export function deferred() {
  /** @type {[(value: T) => void, (reason: unknown) => void]} */
  let settle;
  /** @type {Promise<T>} */
  const promise = new Promise((...both) => (settle = both));
  promise.catch(() => {});
  // @ts-expect-error: it is set by now
  const [resolve, reject] = settle;
  return { promise, resolve, reject };
}

// @ts-check

/** Reports whether a script of the page has replaced fetch, which many do to watch requests. */
export const isReplaced = () => !/^function fetch\(\) \{\s+\[native code\]\s+\}$/.test(String(fetch));

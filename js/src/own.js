// @ts-check

/**
 * The page's own properties, without those of its prototypes: a script that reaches Object.prototype
 * sets no option.
 * @template {object} T
 * @param {T | null} [options]
 * @returns {T}
 */
export const own = (options) => /** @type {any} */ ({ __proto__: null, ...options });

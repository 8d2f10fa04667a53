// @ts-check

/** The result of a switch that the page declined. */
export const declined = Object.freeze({
  status: /** @type {const} */ ("refused"), code: /** @type {const} */ ("switch_declined"), action: /** @type {const} */ ("stop"), description: "the page stays in its organization",
});

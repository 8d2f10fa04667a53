// @ts-check

/**
 * Returns the name of an organization. It throws for what can be none, and for options: calls that
 * take a name have none.
 * @param {string} organization
 * @param {any} [more] what the call was given besides
 */
export function requireName(organization, more) {
  if (!organization || typeof organization !== "string" || more?.constructor === Object) throw new TypeError("organization must be an id or slug alone");
  return organization;
}

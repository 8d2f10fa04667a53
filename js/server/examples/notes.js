// @ts-check

/** @typedef {{id: string, text: string}} Note */

/** Notes of organizations, in memory. Every method takes the organization first. */
export class Notes {
  /** @type {Map<string, Map<string, Note>>} */
  #all = new Map();

  /** @param {string} organization */
  #of(organization) {
    const notes = this.#all.get(organization) ?? new Map();
    this.#all.set(organization, notes);
    return notes;
  }

  /** @param {string} organization */
  list = (organization) => [...this.#of(organization).values()];

  /**
   * @param {string} organization
   * @param {string} id
   */
  find = (organization, id) => this.#of(organization).get(id);

  /**
   * @param {string} organization
   * @param {unknown} text
   */
  add(organization, text) {
    const note = { id: crypto.randomUUID(), text: String(text) };
    this.#of(organization).set(note.id, note);
    return note;
  }

  /**
   * @param {string} organization
   * @param {string} id
   */
  remove = (organization, id) => this.#of(organization).delete(id);
}

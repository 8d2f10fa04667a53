// @ts-check
// The keyboard of a menu (WAI-ARIA Authoring Practices, "Menu Button"): arrows,
// Home, End and first letters move between the rows, left and right within one.

/**
 * Where a key leads from the focused item; undefined where it leads nowhere.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[][]} rows
 * @param {Element | null} focused
 * @returns {HTMLElement | undefined}
 */
export function focusTarget(event, rows, focused) {
  if (rows.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const row = rows.findIndex((items) => items.includes(/** @type {HTMLElement} */ (focused)));
  const column = Math.max(0, rows[row]?.indexOf(/** @type {HTMLElement} */ (focused)) ?? 0);
  /** @param {number} to */
  const itemIn = (to) => rows[(to + rows.length) % rows.length][column];
  const step = getComputedStyle(rows[0][0]).direction === "rtl" ? -1 : 1;
  switch (event.key) {
    case "ArrowDown":
      return itemIn(row + 1);
    case "ArrowUp":
      return itemIn(row < 0 ? -1 : row - 1);
    case "Home":
      return itemIn(0);
    case "End":
      return itemIn(-1);
    case "ArrowRight":
      return rows[row]?.[column + step];
    case "ArrowLeft":
      return rows[row]?.[column - step];
  }
  return event.key.length === 1 && event.key !== " " ? rowStartingWith(event.key, rows, row) : undefined;
}

/**
 * The next row that begins with a letter.
 * @param {string} letter
 * @param {HTMLElement[][]} rows
 * @param {number} row
 */
function rowStartingWith(letter, rows, row) {
  const following = [...rows.slice(row + 1), ...rows.slice(0, row + 1)];
  return following.find(([item]) => item.dataset.name?.toLowerCase().startsWith(letter.toLowerCase()))?.[0];
}

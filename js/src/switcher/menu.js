// @ts-check
import { focusTarget } from "./keys.js";
import { place } from "./view.js";

/** The menu below the button: it opens and closes, and keeps the focus where a person expects it. */
export class Menu {
  #parts;
  #root;
  #onOpen;
  /** Whether the focus was in the menu when it closed. */
  #leaving = false;
  #placing = new AbortController();

  /**
   * @param {ReturnType<typeof import("./view.js").skeleton>} parts
   * @param {ShadowRoot} root
   * @param {() => void} opens is called as it opens
   */
  constructor(parts, root, opens) {
    this.#parts = parts;
    this.#root = root;
    this.#onOpen = opens;
    parts.button.addEventListener("keydown", (event) => this.#openByKey(event));
    parts.menu.addEventListener("keydown", (event) => this.#key(event));
    parts.popup.addEventListener("beforetoggle", (event) => this.#onBeforeToggle(/** @type {ToggleEvent} */ (event).newState === "open"));
    parts.popup.addEventListener("toggle", (event) => this.#onToggle(/** @type {ToggleEvent} */ (event).newState === "open"));
  }

  get isOpen() {
    return this.#parts.popup.matches(":popover-open");
  }

  open() {
    if (!this.isOpen && !this.#parts.button.hidden) this.#parts.popup.showPopover();
  }

  close() {
    if (this.isOpen) this.#parts.popup.hidePopover();
  }

  /** Ends all that goes on while it is open: the element has left the document. */
  end() {
    this.#placing.abort();
  }

  /**
   * Replaces the content. The focus stays with its organization.
   * @param {Node[]} content
   */
  fill(content) {
    const focused = this.#focused?.dataset.organization;
    this.#parts.menu.replaceChildren(...content);
    if (this.isOpen && !this.#parts.problem.contains(this.#focused)) this.#focusItem(focused);
  }

  get #focused() {
    return /** @type {HTMLElement | null} */ (this.#root.activeElement);
  }

  /** @returns {HTMLElement[][]} */
  get #rows() {
    return [...this.#parts.menu.querySelectorAll(".row")].map((row) => /** @type {HTMLElement[]} */ ([...row.children]));
  }

  /** @param {string} [slug] the organization's; default: the tab's own, or the first */
  #focusItem(slug) {
    const items = this.#rows.map(([item]) => item);
    const item = items.find((i) => (slug ? i.dataset.organization === slug : i.ariaChecked === "true")) ?? items[0] ?? this.#parts.popup;
    item.focus();
  }

  /** @param {boolean} opens */
  #onBeforeToggle(opens) {
    const { button, popup } = this.#parts;
    button.setAttribute("aria-expanded", String(opens));
    this.#leaving = !opens && popup.contains(this.#focused);
    if (!opens) return;
    place(popup, button);
    this.#onOpen();
  }

  /** @param {boolean} open */
  #onToggle(open) {
    const { button, popup } = this.#parts;
    this.#placing.abort();
    if (!open) return this.#restoreFocus();
    this.#placing = new AbortController();
    window.addEventListener("resize", () => place(popup, button), { signal: this.#placing.signal });
    place(popup, button);
    if (!popup.contains(this.#focused)) this.#focusItem();
  }

  /** Gives the focus back to the button, unless it went elsewhere. */
  #restoreFocus() {
    const { host } = this.#root;
    const { activeElement } = /** @type {Document | ShadowRoot} */ (host.getRootNode());
    const nowhere = activeElement === null || activeElement === document.body || activeElement === host;
    if (this.#leaving && nowhere) this.#parts.button.focus();
  }

  /** @param {KeyboardEvent} event */
  #openByKey(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    this.open();
    (event.key === "ArrowDown" ? this.#rows.at(0) : this.#rows.at(-1))?.[0].focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const to = focusTarget(event, this.#rows, this.#focused);
    if (to) {
      event.preventDefault();
      to.focus();
    } else if (event.key === " ") {
      event.preventDefault();
      this.#focused?.click();
    } else if (event.key === "Tab" && this.#parts.problem.hidden) {
      this.close();
    }
  }
}

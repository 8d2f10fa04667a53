// @ts-check
import { addressFor } from "../page.js";
import { el } from "./dom.js";
import { destination } from "./keys.js";
import { style } from "./style.js";
import { english } from "./texts.js";
import { initial, place, rows, skeleton } from "./view.js";

/** @import { Client, Organization, OrganizationState, State, SwitchResult } from "../../index.js" */
/** @import { SwitcherTexts } from "../../switcher.js" */

const HTMLElement = globalThis.HTMLElement ?? class {}; // on a server

/** The organisation switcher. See index.d.ts. */
export class TabardSwitcher extends HTMLElement {
  /** @type {Client | undefined} */
  #client;
  /** @type {Partial<SwitcherTexts>} */
  #texts = {};
  /** @type {((organization: Organization) => Node) | undefined} */
  #badge;
  /** @type {((organization: OrganizationState) => string | URL) | undefined} */
  #address;
  /** @type {ReturnType<typeof skeleton> | undefined} */
  #parts;
  #stop = () => {};
  /** The rows as they stand, in words: somebody may have the focus in them. */
  #listed = "";
  /** The fence of the state in which the organisations were asked for. */
  #asked = -1;
  /** Whether it is not known yet if there is anything to choose from. */
  #asking = false;
  /** Whether the focus was in the menu when it closed. */
  #leaving = false;
  #placing = new AbortController();
  /** Numbers the switches: only the last one is told of. */
  #turn = 0;

  get client() {
    return this.#client;
  }
  set client(client) {
    this.#client = client;
    if (this.isConnected) this.#follow();
  }
  get texts() {
    return this.#texts;
  }
  set texts(texts) {
    this.#texts = texts;
    this.#redraw();
  }
  get badge() {
    return this.#badge;
  }
  set badge(badge) {
    this.#badge = badge;
    this.#redraw();
  }
  get address() {
    return this.#address;
  }
  set address(address) {
    this.#address = address;
    this.#redraw();
  }

  /** Opens the menu, as a press on the button does. */
  open() {
    if (!this.#open && !this.#built.button.hidden) this.#built.popup.showPopover();
  }

  connectedCallback() {
    this.#parts ??= this.#build();
    for (const name of /** @type {const} */ (["client", "texts", "badge", "address"])) {
      if (!Object.hasOwn(this, name)) continue; // it was set before the element was defined
      const value = this[name];
      delete this[name];
      Object.assign(this, { [name]: value });
    }
    this.#follow();
  }

  disconnectedCallback() {
    this.#stop();
    this.#placing.abort();
    this.#turn++;
    this.#parts?.button.removeAttribute("aria-busy");
  }

  #build() {
    const parts = skeleton();
    const { button, popup, menu, heard } = parts;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style()];
    root.append(button, popup, heard);
    button.addEventListener("keydown", (event) => this.#openByKey(event));
    menu.addEventListener("keydown", (event) => this.#key(event));
    popup.addEventListener("beforetoggle", (event) => this.#toggles(/** @type {ToggleEvent} */ (event).newState === "open"));
    popup.addEventListener("toggle", (event) => this.#toggled(/** @type {ToggleEvent} */ (event).newState === "open"));
    return parts;
  }

  #follow() {
    this.#stop();
    this.#asked = -1;
    const client = this.#client;
    this.#stop = client ? client.subscribe((state) => this.#show(state)) : () => {};
    this.#redraw();
  }

  #redraw() {
    this.#listed = "";
    if (this.#parts) this.#show(this.#client?.state);
  }

  /** @returns {SwitcherTexts} */
  get #words() {
    return { ...english, ...this.#texts };
  }

  /** @param {State} [state] */
  #show(state) {
    const { button, badge, name, popup, heading, menu, hint } = this.#built;
    const { organization = null, organizations = null, status = "starting" } = state ?? {};
    const words = this.#words;
    this.#askOnce(state);
    const alone = organizations?.length === 0 || (organizations?.length === 1 && organizations[0].id === organization?.id && status === "active");
    button.hidden = alone || status === "starting" || status === "signed_out";
    button.style.visibility = organizations === null && this.#asking ? "hidden" : "";
    if (button.hidden && popup.matches(":popover-open")) popup.hidePopover();
    const text = organization?.name ?? words.choose;
    name.textContent = text;
    button.setAttribute("aria-label", organization ? words.label(text) + (status === "ended" ? `, ${words.ended}` : "") : text);
    badge.hidden = organization === null;
    if (organization) badge.replaceChildren(this.#draw(organization));
    heading.textContent = words.heading;
    hint.textContent = words.hint;
    menu.setAttribute("aria-label", words.menu);
    this.#list(organizations, status === "ended" ? undefined : organization?.id);
  }

  get #built() {
    return (this.#parts ??= this.#build());
  }

  /** @param {Organization} organization */
  #draw(organization) {
    return (this.#badge ?? initial)(organization);
  }

  /**
   * @param {readonly OrganizationState[] | null} organizations
   * @param {string | undefined} current
   */
  #list(organizations, current) {
    const { menu } = this.#built;
    const listed = JSON.stringify([organizations, current]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    const focused = /** @type {HTMLElement | null} */ (this.shadowRoot?.activeElement)?.dataset.organization;
    if (!organizations) return menu.replaceChildren(el("p", { part: "hint", role: "none" }, this.#words.loading));
    menu.replaceChildren(...rows(organizations, current, {
      texts: this.#words,
      badge: (organization) => this.#draw(organization),
      address: (organization) => String(this.#address?.(organization) ?? addressFor(organization.slug)),
      choose: (event, organization) => this.#choose(event, organization),
    }));
    if (focused || this.#open) this.#focusItem(focused);
  }

  get #open() {
    return this.#built.popup.matches(":popover-open");
  }

  /** @returns {HTMLElement[][]} */
  get #rows() {
    return [...this.#built.menu.querySelectorAll(".row")].map((row) => /** @type {HTMLElement[]} */ ([...row.children]));
  }

  /** @param {string} [slug] the organisation's; default: the tab's own, or the first */
  #focusItem(slug) {
    const items = this.#rows.map(([item]) => item);
    const item = items.find((i) => (slug ? i.dataset.organization === slug : i.ariaChecked === "true")) ?? items[0] ?? this.#built.popup;
    item.focus();
  }

  /**
   * Asks for the organisations where the state has none yet; the answer is a new state.
   * @param {State} [state]
   */
  #askOnce(state) {
    if (!state || state.organizations || state.fence === this.#asked || state.status === "starting" || state.status === "signed_out") return;
    this.#asked = state.fence;
    this.#asking = true;
    this.#ask().catch(() => {}); // opening the menu asks again
  }

  async #ask() {
    const client = this.#client;
    try {
      await client?.organizations();
    } finally {
      this.#asking = false;
      if (client === this.#client) this.#show(client?.state);
    }
  }

  /** @param {boolean} opens */
  #toggles(opens) {
    const { button, popup } = this.#built;
    button.setAttribute("aria-expanded", String(opens));
    this.#leaving = !opens && this.#inside;
    if (!opens) return;
    this.#tell("");
    place(popup, button);
    this.#ask().catch(() => this.#open && !this.#client?.state.organizations && this.#tell(this.#words.notLoaded));
  }

  /** @param {boolean} open */
  #toggled(open) {
    const { button, popup } = this.#built;
    this.#placing.abort();
    if (!open) {
      const { activeElement } = /** @type {Document | ShadowRoot} */ (this.getRootNode());
      const nowhere = activeElement === null || activeElement === document.body || activeElement === this;
      if (this.#leaving && nowhere) button.focus();
      return;
    }
    this.#placing = new AbortController();
    window.addEventListener("resize", () => place(popup, button), { signal: this.#placing.signal });
    place(popup, button);
    if (!this.#inside) this.#focusItem();
  }

  /** Whether the focus is in the menu. */
  get #inside() {
    return this.#built.popup.contains(/** @type {Node | null} */ (this.shadowRoot?.activeElement ?? null));
  }

  /** @param {KeyboardEvent} event */
  #openByKey(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    this.#built.popup.showPopover();
    (event.key === "ArrowDown" ? this.#rows.at(0) : this.#rows.at(-1))?.[0].focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const focused = /** @type {HTMLElement | null} */ (this.shadowRoot?.activeElement ?? null);
    const to = destination(event, this.#rows, focused);
    if (to) {
      event.preventDefault();
      to.focus();
    } else if (event.key === " ") {
      event.preventDefault();
      focused?.click();
    } else if (event.key === "Tab" && this.#built.problem.hidden) {
      this.#built.popup.hidePopover();
    }
  }

  /**
   * @param {MouseEvent} event
   * @param {OrganizationState} organization
   */
  #choose(event, organization) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return this.#built.popup.hidePopover(); // the link opens a tab of its own
    event.preventDefault();
    const { organization: current, status } = /** @type {Client} */ (this.#client).state;
    if (organization.id === current?.id && status === "active") return this.#built.popup.hidePopover();
    void this.#enter(organization);
  }

  /** @param {OrganizationState} organization */
  async #enter({ id, name }) {
    const client = /** @type {Client} */ (this.#client);
    const { button, heard, popup } = this.#built;
    const turn = ++this.#turn;
    this.#tell("");
    heard.textContent = this.#words.switching(name);
    button.setAttribute("aria-busy", "true");
    const result = await client.switchOrganization(id);
    if (turn === this.#turn) {
      button.removeAttribute("aria-busy");
      heard.textContent = "";
      if (result.status === "switched" || result.status === "overtaken") popup.hidePopover();
      this.#report(result, name);
    }
    this.dispatchEvent(new CustomEvent("tabard-switch", { detail: result, bubbles: true, composed: true }));
  }

  /**
   * @param {SwitchResult} result
   * @param {string} name
   */
  #report(result, name) {
    const { heard } = this.#built;
    const words = this.#words;
    switch (result.status) {
      case "switched":
        heard.textContent = words.switched(result.organization.name);
        return;
      case "overtaken":
        return; // by a later switch, which tells its own end
      case "step_up_required":
        return this.#tell(words.confirmFirst(name), result);
      case "unavailable":
        return this.#tell(words.unavailable(name));
      default:
        return this.#tell(words.refused(name));
    }
  }

  /**
   * Shows and says why the tab stays as it was, and offers the way in.
   * @param {string} text empty: nothing is wrong
   * @param {Extract<SwitchResult, {status: "step_up_required"}>} [stepUp]
   */
  #tell(text, stepUp) {
    const { problem, heard, popup } = this.#built;
    if (text && !this.#open) popup.showPopover(); // which begins without a problem
    problem.hidden = text === "";
    if (problem.hidden) return;
    problem.replaceChildren(text);
    heard.textContent = text;
    if (!stepUp) return;
    const confirm = el("button", { part: "step-up", type: "button" }, this.#words.confirm);
    confirm.addEventListener("click", () => void stepUp.continue());
    problem.append(confirm);
    confirm.focus();
  }
}

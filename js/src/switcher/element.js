// @ts-check
import { declined } from "../declined.js";
import { own } from "../own.js";
import { addressFor } from "../page.js";
import { el, icon } from "./dom.js";
import { Menu } from "./menu.js";
import { style } from "./style.js";
import { english } from "./texts.js";
import { initial, rows, skeleton, wayHome } from "./view.js";

/** @import { Client, Organization, OrganizationState, State, SwitchResult } from "../../index.js" */
/** @import { SwitcherTexts } from "../../switcher.js" */

const HTMLElement = globalThis.HTMLElement ?? class {}; // on a server

/** How long the menu stays open during a switch, in milliseconds: it must not cover a question of the page's. */
const patience = 100;

/**
 * Says why an element shows nothing that nobody has given a client.
 * @param {TabardSwitcher} element
 */
function explainMissing(element) {
  if (!element.client) console.warn("tabard: <tabard-switcher> has no client, and shows nothing: set element.client = createClient(…)", element);
}

/** Whether a press of a link opens a tab or a window. */
const opensApart = (/** @type {MouseEvent} */ event) => event.ctrlKey || event.metaKey || event.shiftKey;

/** The organization switcher. See switcher.d.ts. */
export class TabardSwitcher extends HTMLElement {
  /** @type {Client | undefined} */
  #client;
  /** @type {Partial<SwitcherTexts>} */
  #texts = {};
  /** @type {((organization: Organization) => Node) | undefined} */
  #badge;
  /** @type {((organization: OrganizationState) => string | URL) | undefined} */
  #address;
  /** @type {(ReturnType<typeof skeleton> & {list: Menu}) | undefined} */
  #parts;
  #stop = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #missing;
  /** The rows as they stand, in words. */
  #listed = "";
  /** The fence of the state in which the organizations were asked for. */
  #asked = -1;
  /** Whether it is not known yet if there is anything to choose from. */
  #asking = false;
  /** Draws the people of the browser, where several can be signed in and the menu was opened. @type {() => Node[]} */
  #people = () => [];
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

  open() {
    this.#built.list.open();
  }

  connectedCallback() {
    for (const name of /** @type {const} */ (["client", "texts", "badge", "address"])) {
      if (!Object.hasOwn(this, name)) continue; // it was set before the element was defined
      const value = this[name];
      delete this[name];
      Object.assign(this, { [name]: value });
    }
    this.#follow();
    this.#missing = setTimeout(explainMissing, 5000, this);
  }

  disconnectedCallback() {
    clearTimeout(this.#missing);
    this.#stop();
    this.#turn++;
    this.#built.list.end();
    this.#built.button.removeAttribute("aria-busy");
  }

  get #built() {
    return (this.#parts ??= this.#build());
  }

  #build() {
    const parts = skeleton();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style()];
    root.append(parts.button, parts.popup, parts.announcer);
    return { ...parts, list: new Menu(parts, root, () => this.#onOpen()) };
  }

  #follow() {
    this.#stop();
    this.#asked = -1;
    this.#people = () => [];
    const leave = this.#client?.subscribe((state) => this.#show(state));
    const onVisible = () => this.#askOnce(this.#client?.state);
    document.addEventListener("visibilitychange", onVisible);
    this.#stop = () => {
      leave?.();
      document.removeEventListener("visibilitychange", onVisible);
    };
    this.#listed = "";
    this.#show(this.#client?.state);
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
    const { button, label, badge, name, heading, menu, hint, list } = this.#built;
    const { organizations = null, status = "starting", organization: shown = null } = own(state);
    const organization = status === "denied" ? null : shown;
    const words = this.#words;
    this.#askOnce(state);
    const alone = !this.#home && !this.#several && (organizations?.length === 0 || (organizations?.length === 1 && organizations[0].id === organization?.id && status === "active"));
    button.hidden = alone || status === "starting" || status === "signed_out";
    button.style.visibility = organizations === null && this.#asking ? "hidden" : "";
    if (button.hidden) list.close();
    const text = organization?.name ?? (status === "choose_account" ? words.choosePerson : words.choose);
    name.textContent = text;
    label.textContent = organization ? words.label(text) + (status === "ended" ? `, ${words.ended}` : "") : text;
    badge.hidden = organization === null;
    if (organization) badge.replaceChildren(this.#draw(organization));
    heading.textContent = words.heading;
    hint.textContent = words.hint;
    menu.setAttribute("aria-label", words.menu);
    this.#list(organizations, status === "ended" ? undefined : organization?.id);
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
    const people = this.#people();
    const listed = JSON.stringify([organizations, current, people.length, own(/** @type {any} */ (this.#client?.state)).account]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    if (!organizations && people.length) return this.#built.list.fill(people);
    if (!organizations) return this.#built.list.fill([el("p", { part: "hint", role: "none" }, this.#words.loading)]);
    const list = rows(organizations, current, {
      texts: this.#words,
      badge: (organization) => this.#draw(organization),
      address: (organization) => String(this.#address?.(organization) ?? this.#addressAt(organization.slug)),
      choose: (event, organization) => this.#choose(event, organization),
      visit: (event, organization) => this.#visit(event, organization),
    });
    const home = this.#home;
    if (home) list.push(wayHome(this.#words.others, home, (event) => this.#leave(event, () => this.#enter({ id: null, slug: "", name: this.#words.others }))));
    this.#built.list.fill([...list, ...people]);
  }

  /** Whether the app lets several people be signed in. */
  get #several() {
    const { account, status } = own(/** @type {any} */ (this.#client?.state));
    return account !== undefined || status === "choose_account";
  }

  /** Asks who is signed in in this browser, and draws them. */
  async #askPeople() {
    const client = this.#client;
    if (!client || !this.#several) return;
    const [{ peopleRows }, people] = await Promise.all([import("./people.js"), client.accounts()]);
    if (client !== this.#client) return;
    this.#people = () => peopleRows({ client, people, texts: this.#words, el, icon, act: (name, act) => void this.#act(name, act) });
    this.#redraw();
  }

  /**
   * Does what a press on a person asks for.
   * @param {string} name
   * @param {() => Promise<unknown>} act
   */
  async #act(name, act) {
    const { button, announcer, list } = this.#built;
    this.#showProblem("");
    button.setAttribute("aria-busy", "true");
    try {
      const { status, code } = own(/** @type {any} */ (await act()));
      if (status === "switched") announcer.textContent = this.#words.switched(name);
      if (!status) await this.#askPeople();
      else if (status === "switched" || code === declined.code) list.close();
      else this.#showProblem(status === "unavailable" ? this.#words.unavailable(name) : this.#words.refused(name));
    } catch {
      this.#showProblem(this.#words.unavailable(name));
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  /** Where the app's pages are, if it has an origin for each organization. */
  get #origins() {
    return own(/** @type {any} */ (this.#client?.state)).origins;
  }

  /** The origin of the app's own page, where this is an organization's. @returns {string | undefined} */
  get #home() {
    const home = this.#origins?.home;
    return home === location.origin ? undefined : home;
  }

  /** @param {string} slug */
  #addressAt(slug) {
    return this.#origins?.pattern.replace(":organization", slug) ?? addressFor(slug);
  }

  /**
   * Asks for the organizations where the state has none yet; the answer is a new state. A page
   * that is not looked at does not ask: a call would load the module.
   * @param {State} [state]
   */
  #askOnce(state) {
    if (document.hidden || !state || state.organizations || state.fence === this.#asked || ["starting", "signed_out", "choose_account"].includes(state.status)) return;
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

  #onOpen() {
    this.#showProblem("");
    this.#askPeople().catch(() => {}); // the organizations are there without
    if (this.#client?.state.status !== "choose_account") this.#ask().catch(() => this.#built.list.isOpen && !this.#client?.state.organizations && this.#showProblem(this.#words.notLoaded));
  }

  /**
   * @param {MouseEvent} event
   * @param {OrganizationState} organization
   */
  #choose(event, organization) {
    const { list } = this.#built;
    if (opensApart(event) && this.#origins) return this.#visit(event, organization);
    this.#leave(event, () => {
      const { organization: current, status } = /** @type {Client} */ (this.#client).state;
      if (organization.id === current?.id && status === "active") return list.close();
      void this.#enter(organization);
    });
  }

  /**
   * @param {MouseEvent} event
   * @param {() => void} go
   */
  #leave(event, go) {
    if (opensApart(event)) return this.#built.list.close(); // the link opens a tab of its own
    event.preventDefault();
    go();
  }

  /**
   * Opens a tab at the organization's own origin, where the link alone would not bring the session.
   * @param {MouseEvent} event
   * @param {OrganizationState} organization
   */
  #visit(event, organization) {
    if (!this.#origins) return;
    event.preventDefault();
    this.#built.list.close();
    this.#client?.openTab(organization.slug, this.#address?.(organization));
  }

  /** @param {{id: string | null, slug: string, name: string}} organization */
  async #enter({ id, slug, name }) {
    const client = /** @type {Client} */ (this.#client);
    const { button, announcer, list } = this.#built;
    const turn = ++this.#turn;
    this.#showProblem("");
    announcer.textContent = this.#words.switching(name);
    button.setAttribute("aria-busy", "true");
    const waits = setTimeout(() => turn === this.#turn && list.close(), patience);
    const result = this.#tell("tabard-before-switch", { id, slug, name }, true) ? await client.switchOrganization(id) : declined;
    clearTimeout(waits);
    if (turn === this.#turn) {
      button.removeAttribute("aria-busy");
      announcer.textContent = "";
      if (result.status === "switched" || isQuiet(result)) list.close();
      this.#report(result, name);
    }
    this.#tell("tabard-switch", result);
  }

  /**
   * Dispatches an event. Reports whether no listener canceled it.
   * @param {string} type
   * @param {object} detail
   */
  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }));
  }

  /**
   * @param {SwitchResult} result
   * @param {string} name
   */
  #report(result, name) {
    const words = this.#words;
    if (isQuiet(result)) return;
    switch (result.status) {
      case "switched":
        this.#built.announcer.textContent = words.switched(result.organization.name);
        return;
      case "step_up_required":
        return this.#showProblem(words.confirmFirst(name), result);
      case "unavailable":
        return this.#showProblem(words.unavailable(name));
      default:
        return this.#showProblem(words.refused(name));
    }
  }

  /**
   * Shows and says why the tab stays as it was, and offers the way in.
   * @param {string} text empty: all is well
   * @param {Extract<SwitchResult, {status: "step_up_required"}>} [stepUp]
   */
  #showProblem(text, stepUp) {
    const { problem, announcer, list } = this.#built;
    if (text) list.open(); // which begins without a problem
    problem.hidden = text === "";
    if (problem.hidden) return;
    problem.replaceChildren(text);
    announcer.textContent = text;
    if (!stepUp) return;
    const confirm = el("button", { part: "step-up", type: "button" }, this.#words.confirm);
    confirm.addEventListener("click", () => void stepUp.continue());
    problem.append(confirm);
    confirm.focus();
  }
}

/**
 * Whether a switch needs no word: a later one overtook it, which tells its own end, the page
 * declined it, or leaves.
 * @param {SwitchResult} result
 */
const isQuiet = (result) => result.status === "overtaken" || result.status === "leaving" || (result.status === "refused" && result.code === declined.code);

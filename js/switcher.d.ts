import type { Client, Organization, OrganizationState, SwitchResult } from "./index.js";

/** What the element says, to translate. */
export interface SwitcherTexts {
  /** The button's name for screen readers. */
  label(name: string): string;
  choose: string;
  /** The menu's name for screen readers. */
  menu: string;
  heading: string;
  hint: string;
  open(name: string): string;
  /** Said of an organization that asks for a step-up. */
  stepUpRequired: string;
  expired: string;
  /** Said of the tab's organization after its session ended. */
  ended: string;
  loading: string;
  notLoaded: string;
  switching(name: string): string;
  switched(name: string): string;
  confirm: string;
  confirmFirst(name: string): string;
  refused(name: string): string;
  unavailable(name: string): string;
  /** The way from an organization's own origin to the app's own page, where all organizations are. */
  others: string;
  /** The heading of the people, where an app lets several be signed in. */
  people: string;
  choosePerson: string;
  addPerson: string;
  signOut(name: string): string;
  /** A person of whom no name is known. */
  unnamed: string;
}

/**
 * `<tabard-switcher>`: shows the tab's organization, and switches the tab to another or opens one in a new tab.
 * Importing this file defines it; on a server that does nothing. It shows nothing while nobody is signed in, and to a
 * person who has one organization.
 *
 * In an app with an origin for each organization a press leads to that one's origin. There the menu has the organization,
 * and the way to the app's own page, which lists all.
 *
 * In an app with `accounts: several` it shows to everybody who is signed in: the menu has the people of the browser. A press
 * on one makes the tab theirs, the cross beside them signs them out of this browser, and the last row adds another.
 *
 * A press switches this tab; a press with Ctrl, Cmd or Shift, the middle button, and the arrow beside it open a tab of
 * its own. The keyboard is that of a menu button; the outcome of a switch is told to screen readers.
 *
 * Parts: `button`, `badge`, `name`, `chevron`, `popup`, `heading`, `menu`, `item` (and `current`), `item-name`,
 * `item-note`, `check`, `open`, `person`, `sign-out`, `add`, `hint`, `problem`, `step-up`. Custom properties: `--tabard-accent`, `--tabard-on-accent`,
 * `--tabard-background`, `--tabard-text`, `--tabard-quiet`, `--tabard-line`, `--tabard-edge`, `--tabard-soft`,
 * `--tabard-radius`. It follows the page's `color-scheme`.
 */
export class TabardSwitcher extends HTMLElement {
  /** The page's client. The element follows it while it is in the document. */
  client: Client | undefined;
  /** Changes what it says: `switcher.texts = { choose: "Organization wählen" }`. */
  texts: Partial<SwitcherTexts>;
  /** Draws an organization. Default: its initial. */
  badge: ((organization: Organization) => Node) | undefined;
  /**
   * The address that opens an organization in a new tab, such as `routes.home`. Default: this page, with a parameter that
   * the client there reads and takes away; or the start of the organization's own origin, where it has one.
   */
  address: ((organization: OrganizationState) => string | URL) | undefined;
  /** Opens the menu, as a press on the button does. */
  open(): void;
  addEventListener<Type extends keyof HTMLElementEventMap>(
    type: Type,
    listener: (this: TabardSwitcher, event: HTMLElementEventMap[Type]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** `tabard-switch` comes after every switch that the element asked for, and bubbles; its detail is the result. */
  addEventListener(
    type: "tabard-switch",
    listener: (this: TabardSwitcher, event: CustomEvent<SwitchResult>) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /**
   * `tabard-before-switch` comes before every switch that the element asks for, and bubbles; its detail is the organization
   * to switch to. `preventDefault()` keeps the tab as it is. For a question that takes the person time, and for all other
   * ways of switching, see {@link Client.beforeSwitch}.
   */
  addEventListener(
    type: "tabard-before-switch",
    listener: (this: TabardSwitcher, event: CustomEvent<Organization>) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "tabard-switcher": TabardSwitcher;
  }
}

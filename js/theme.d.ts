import type { Client, Organization } from "./index.js";

/** How a tab looks for an organization. `false` leaves the page's own. */
export interface ThemeOptions {
  /** The document's title; `plain` is the page's own. Default: `Acme · My app`. */
  title?: false | ((organization: Organization, plain: string) => string);
  /** The address of the favicon. Default: the organization's initial on its color, a `data:` image. */
  icon?: false | ((organization: Organization) => string);
  /** The browser's `theme-color`, a CSS color. Default: the organization's hue. */
  color?: false | ((organization: Organization) => string);
}

/**
 * Gives the tab the colors of its organization: title, favicon, `theme-color`, and the property `--tabard-hue` of the
 * document's element for the page's own style. It follows switches, and restores the page's own when the person signs out
 * or the returned function is called. A title that the page has set since is left alone.
 */
export function followTheme(tabard: Pick<Client, "state" | "subscribe">, options?: ThemeOptions): () => void;

/** An organization's hue in degrees: one of thirteen, from its id, the same in every tab and browser. */
export function hueOf(organization: { readonly id: string }): number;

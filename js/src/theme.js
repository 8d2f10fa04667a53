// @ts-check
// The tab's own colors: title, favicon and theme-color by organization.

/** @import { Client, Organization } from "../index.js" */
/** @import { ThemeOptions } from "../theme.js" */

const hues = 13; // which the eye can tell apart

/**
 * See theme.d.ts.
 * @param {{id: string}} organization
 */
export function hueOf({ id }) {
  let hash = 0x811c9dc5; // FNV-1a, of which the upper bits vary most
  for (const byte of new TextEncoder().encode(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return Math.round((((hash >>> 19) % hues) * 360) / hues);
}

/** @param {Organization} organization */
export function iconOf(organization) {
  const initial = [...organization.name][0]?.toUpperCase().replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`) ?? "";
  return "data:image/svg+xml," + encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="oklch(0.6 0.17 ${hueOf(organization)})"/>` +
    `<text x="16" y="23" fill="#fff" font-family="sans-serif" font-weight="700" font-size="19" text-anchor="middle">${initial}</text></svg>`);
}

/** The theme's values when it is left out of the options. */
const defaults = {
  title: (/** @type {Organization} */ { name }, /** @type {string} */ plain) => (plain ? `${name} · ${plain}` : name),
  icon: iconOf,
  color: (/** @type {Organization} */ organization) => `oklch(0.47 0.14 ${hueOf(organization)})`,
};

/**
 * An attribute of an element in the head, which is made where the page has none.
 * @param {string} selector
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {string} name
 */
function attribute(selector, tag, attributes, name) {
  /** @type {Element | undefined} */
  let made;
  const found = () => [...document.head.querySelectorAll(selector)].filter((element) => element !== made);
  /** @type {Map<Element, string | null>} */
  const plain = new Map();
  return {
    /** @param {string} value */
    set(value) {
      if (!made && !found().length) {
        made = Object.assign(document.createElement(tag), attributes);
        document.head.append(made);
      }
      for (const element of made ? [made] : found()) {
        if (!plain.has(element)) plain.set(element, element.getAttribute(name));
        if (element.getAttribute(name) !== value) element.setAttribute(name, value); // an unchanged address would load anew
      }
    },
    restore() {
      for (const [element, value] of plain) value === null ? element.removeAttribute(name) : element.setAttribute(name, value);
      plain.clear();
      made?.remove();
      made = undefined;
    },
  };
}

/** The document's title. The page's own later title is left alone. */
function titleOf() {
  /** @type {{plain: string, set: string} | undefined} */
  let held;
  return {
    /** @param {(plain: string) => string} title */
    set(title) {
      const plain = held?.set === document.title ? held.plain : document.title;
      held = { plain, set: title(plain) };
      document.title = held.set;
      held.set = document.title; // without the spaces that a title loses
    },
    restore() {
      if (held?.set === document.title) document.title = held.plain;
      held = undefined;
    },
  };
}

/**
 * See theme.d.ts.
 * @param {Pick<Client, "state" | "subscribe">} tabard
 * @param {ThemeOptions} [options]
 */
export function followTheme(tabard, options) {
  if (typeof tabard?.subscribe !== "function") throw new TypeError("followTheme takes the client first, as in followTheme(createClient(…))");
  const { title, icon, color } = { ...defaults, ...options };
  const root = document.documentElement.style, heading = titleOf();
  const link = attribute('link[rel~="icon" i]', "link", { rel: "icon" }, "href");
  const meta = attribute('meta[name="theme-color" i]', "meta", { name: "theme-color" }, "content");
  let shown = "";
  const show = (/** @type {Client["state"]} */ { organization }) => {
    const key = organization ? JSON.stringify(organization) : "";
    if (key === shown) return;
    shown = key;
    if (!organization) return restore();
    root.setProperty("--tabard-hue", String(hueOf(organization)));
    if (title) heading.set((plain) => title(organization, plain));
    if (icon) link.set(icon(organization));
    if (color) meta.set(color(organization));
  };
  function restore() {
    root.removeProperty("--tabard-hue");
    heading.restore();
    link.restore();
    meta.restore();
  }
  const stop = tabard.subscribe(show);
  show(tabard.state);
  return () => {
    stop();
    shown = "";
    restore();
  };
}

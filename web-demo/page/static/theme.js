// The colors of the tab's organization: accent, badge, title and favicon, all from the
// organization's id, so that one organization looks the same in every tab.
import { $, svg } from "/dom.js";

const outline = "M9 3h4a3 3 0 0 0 6 0h4l7 7-4 5-3-2v16H9V13l-3 2-4-5z";
const plainTitle = document.title;
const plainIcon = $("favicon").href;

/** One of thirteen hues, which the eye can tell apart (the upper bits of FNV-1a). */
function hueOf(organization) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(organization.id)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return Math.round((((hash >>> 19) % 13) * 360) / 13);
}

function initial(organization) {
  return [...organization.name][0]?.toUpperCase() ?? "";
}

/** The organization's coat with its initial. */
export function badge(organization) {
  const drawing = svg("svg", { viewBox: "0 0 32 32", class: "badge", "aria-hidden": "true" },
    svg("path", { d: outline }),
    svg("text", { x: 16, y: 23 }, initial(organization)));
  drawing.style.setProperty("--hue", hueOf(organization));
  return drawing;
}

/** The badge for a place that the page's style does not reach: it carries its colors. */
export function styledBadge(organization) {
  const drawing = badge(organization);
  const hue = hueOf(organization);
  const [outline, letter] = drawing.children;
  drawing.style.cssText = "display: block; width: 2rem; height: 2rem";
  outline.style.fill = `light-dark(oklch(0.47 0.14 ${hue}), oklch(0.8 0.115 ${hue}))`;
  letter.style.cssText = `fill: light-dark(oklch(0.99 0.004 ${hue}), oklch(0.19 0.03 ${hue})); font: 700 13px system-ui, sans-serif; text-anchor: middle`;
  return drawing;
}

/** Applies an organization's colors to the tab. */
export function applyTheme(organization) {
  document.title = `${organization.name} · Tabard demo`;
  document.documentElement.style.setProperty("--hue", hueOf(organization));
  document.documentElement.style.setProperty("--tint", 1);
  setIcon(favicon(organization));
}

/** Removes the colors. */
export function resetTheme() {
  document.title = plainTitle;
  document.documentElement.style.removeProperty("--hue");
  document.documentElement.style.removeProperty("--tint");
  setIcon(plainIcon);
}

// Setting an unchanged address would load it anew.
function setIcon(address) {
  if ($("favicon").href !== address) $("favicon").href = address;
}

function favicon(organization) {
  const drawing = svg("svg", { viewBox: "0 0 32 32" },
    svg("path", { d: outline, fill: `oklch(0.6 0.17 ${hueOf(organization)})` }),
    svg("text", { x: 16, y: 24, fill: "white", "font-family": "sans-serif", "font-weight": 700, "font-size": 15, "text-anchor": "middle" }, initial(organization)));
  return `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(drawing))}`;
}

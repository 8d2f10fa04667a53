// The coat of an organization, in its color.
import { hueOf } from "/auth/client/theme.js";
import { svg } from "/dom.js";

const outline = "M9 3h4a3 3 0 0 0 6 0h4l7 7-4 5-3-2v16H9V13l-3 2-4-5z";

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

/** The coat as the tab's icon. */
export function iconOf(organization) {
  const drawing = svg("svg", { viewBox: "0 0 32 32" },
    svg("path", { d: outline, fill: `oklch(0.6 0.17 ${hueOf(organization)})` }),
    svg("text", { x: 16, y: 24, fill: "white", "font-family": "sans-serif", "font-weight": 700, "font-size": 15, "text-anchor": "middle" }, initial(organization)));
  return `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(drawing))}`;
}

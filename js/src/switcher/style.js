// @ts-check

const css = `
:host {
  --_accent: var(--tabard-accent, light-dark(oklch(0.45 0.14 262), oklch(0.8 0.11 262)));
  --_on-accent: var(--tabard-on-accent, light-dark(white, oklch(0.19 0.03 262)));
  --_background: var(--tabard-background, light-dark(white, oklch(0.22 0.015 262)));
  --_text: var(--tabard-text, light-dark(oklch(0.25 0.02 262), oklch(0.95 0.006 262)));
  --_quiet: var(--tabard-quiet, light-dark(oklch(0.485 0.02 262), oklch(0.735 0.015 262)));
  --_line: var(--tabard-line, light-dark(oklch(0.905 0.008 262), oklch(0.33 0.014 262)));
  --_edge: var(--tabard-edge, light-dark(oklch(0.62 0.015 262), oklch(0.58 0.02 262)));
  --_soft: var(--tabard-soft, light-dark(oklch(0.955 0.015 262), oklch(0.28 0.03 262)));
  --_radius: var(--tabard-radius, 0.7rem);
  display: inline-block; min-width: 0; color: var(--_text); font: inherit;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button, a { font: inherit; color: inherit; cursor: pointer; }
a { text-decoration: none; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
p { margin: 0; }
[part~="button"] { display: flex; align-items: center; gap: 0.6rem; max-width: 100%; min-height: 2.75rem; padding: 0.3rem 0.75rem 0.3rem 0.45rem; background: var(--_background); border: 1px solid var(--_edge); border-radius: var(--_radius); font-weight: 600; }
[part~="button"]:hover { background: var(--_soft); }
[part~="button"][aria-busy="true"] { cursor: progress; }
[part~="name"] { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
[part~="badge"] { display: grid; place-items: center; flex: none; width: 2rem; height: 2rem; }
.initial { width: 100%; height: 100%; display: grid; place-items: center; border-radius: 0.5rem; font-size: 0.875rem; font-weight: 700; color: var(--_on-accent); background: var(--_accent); }
svg.icon { width: 1.1rem; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
[part~="chevron"] { color: var(--_quiet); }
[part~="popup"] { position: fixed; inset: auto; top: var(--_top, 4rem); left: var(--_left, 1rem); width: min(24rem, 100vw - 1.5rem); max-height: calc(100dvh - var(--_top, 4rem) - 0.75rem); margin: 0; padding: 0.5rem; overflow: auto; color: var(--_text); background: var(--_background); border: 1px solid var(--_line); border-radius: calc(var(--_radius) + 0.2rem); box-shadow: 0 1rem 2.5rem -0.75rem rgb(0 0 0 / 0.35); line-height: 1.3; }
[part~="heading"] { padding: 0.4rem 0.6rem 0.3rem; color: var(--_quiet); font-size: 0.8125rem; font-weight: 600; }
.row { display: flex; gap: 0.25rem; }
[part~="item"] { display: flex; align-items: center; gap: 0.75rem; flex: 1; min-width: 0; min-height: 2.75rem; padding: 0.45rem 0.6rem; border-radius: calc(var(--_radius) - 0.1rem); }
[part~="open"], [part~="sign-out"] { display: grid; place-items: center; flex: none; width: 2.75rem; border-radius: calc(var(--_radius) - 0.1rem); }
[part~="item"]:hover, [part~="open"]:hover, [part~="sign-out"]:hover, [part~="item"][aria-checked="true"] { background: var(--_soft); }
[part~="item"]:focus-visible, [part~="open"]:focus-visible, [part~="sign-out"]:focus-visible { outline-offset: -3px; }
[part~="item"][aria-disabled="true"] { cursor: progress; }
button[part~="item"], [part~="sign-out"] { border: 0; background: none; text-align: start; }
.text { display: grid; flex: 1; min-width: 0; }
[part~="item-name"] { font-weight: 600; overflow-wrap: anywhere; }
[part~="item-note"] { color: var(--_quiet); font-size: 0.8125rem; }
[part~="check"] { color: var(--_accent); stroke-width: 2.4; }
[part~="hint"] { padding: 0.6rem; margin-top: 0.3rem; border-top: 1px solid var(--_line); color: var(--_quiet); font-size: 0.8125rem; }
[part~="problem"] { display: grid; gap: 0.6rem; justify-items: start; padding: 0.7rem 0.6rem; margin-top: 0.3rem; border-top: 1px solid var(--_line); font-size: 0.9375rem; }
[part~="step-up"] { min-height: 2.75rem; padding: 0.4rem 1rem; color: var(--_on-accent); background: var(--_accent); border: 1px solid transparent; border-radius: var(--_radius); font-weight: 600; }
.heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (forced-colors: active) {
  [part~="item"][aria-checked="true"] { border: 1px solid CanvasText; }
}
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** The style, shared by all elements. A constructed sheet needs no permission of the page's Content-Security-Policy. */
export function style() {
  if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
  return sheet;
}

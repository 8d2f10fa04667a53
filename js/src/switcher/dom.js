// @ts-check

/**
 * An element with attributes and children. No markup is parsed, so Trusted Types do not object.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | undefined>} [attributes] undefined and false are left out
 * @param {...(Node | string)} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/**
 * @param {string} path
 * @param {string} size
 * @param {string} [part]
 */
export function icon(path, size, part) {
  const [drawing, line] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  line.setAttribute("d", path);
  drawing.setAttribute("viewBox", `0 0 ${size} ${size}`);
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("class", "icon");
  if (part) drawing.setAttribute("part", part);
  drawing.append(line);
  return drawing;
}

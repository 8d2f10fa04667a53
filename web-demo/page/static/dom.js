// Small helpers to build the page without a line of markup in strings.

export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (an `attributes` object) and children. */
export function el(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An SVG element with attributes and children. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Replaces an element's content. */
export function fill(element, ...children) {
  element.replaceChildren(...children);
}

export function icon(path, className) {
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", class: className ?? "" }, svg("path", { d: path }));
}

/** Tells something to those who don't see it happen. */
export function announce(text) {
  $("announcer").textContent = text;
}

/** Runs a button's action, once at a time, without taking its focus away. */
export function onPress(button, action) {
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await action();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

// Builds elements from plain text; the only place that creates DOM, and it never parses HTML.

type Attributes = Record<string, string | number | boolean | undefined | ((event: never) => void)>;
export type Child = Node | string | undefined | false;

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element. A function under `onclick` and its like becomes a listener, `true` an empty attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element, as `h`. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Sets attributes, and touches none that is as it should be. */
export function set(element: Element, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key.slice(2), value as EventListener);
    else if (value === undefined || value === false) element.removeAttribute(key);
    else write(element, key, value === true ? '' : String(value));
  }
}

function write(element: Element, key: string, text: string): void {
  if (element.getAttribute(key) !== text) element.setAttribute(key, text);
}

/** Sets the text only where it differs, so that a screen reader and the layout are left in peace. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  set(element, attributes);
  for (const child of children) if (child) element.append(child);
  return element;
}

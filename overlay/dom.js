// The page's elements: those that its HTML has, and new ones.

import { pictureUrl } from "./contract.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * The first element of a selector, which the page's HTML promises.
 *
 * @template {Element} Kind
 * @param {new () => Kind} kind
 * @param {string} selector
 * @param {ParentNode} [root] where it is looked for
 * @returns {Kind}
 */
export function only(kind, selector, root = document) {
  const found = root.querySelector(selector);
  if (found instanceof kind) return found;
  throw new Error(`Expected ${kind.name} at ${selector}, found ${found?.tagName ?? "nothing"}: page and script differ. Reload the page.`);
}

/** @param {string} id of an element in the page's HTML */
export const find = (id) => only(HTMLElement, `#${id}`);

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function makeSvg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * The picture of an expression or tap, beside a text that says the same.
 *
 * @param {string} name
 */
export const picture = (name) => make("img", { src: pictureUrl(name), alt: "" });

/**
 * Change an element's text only when it differs: each change costs a layout, and is read out anew.
 *
 * @param {Node} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Say what came of something, in the place for it; as a problem where it went wrong.
 *
 * @param {string} id of an element in the page's HTML
 * @param {string} text
 */
export function tell(id, text, wrong = false) {
  const element = find(id);
  element.classList.toggle("refused", wrong);
  write(element, text);
}

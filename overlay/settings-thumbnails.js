// Small drawings of what an option's values look like. An option without drawings is offered as words.

import { make, makeSvg } from "./dom.js";

const [WIDTH, HEIGHT] = [96, 54];
const COLOURS = ["angry", "fear", "happy", "sad", "surprise", "neutral"];
const SHARES = [0.08, 0.06, 0.42, 0.1, 0.14, 0.2];

/**
 * A part of a drawing; its class gives the colour.
 *
 * @param {string} name
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
const box = (name, x, y, width, height, rx = 2) => makeSvg("rect", { class: name, x, y, width, height, rx });
/**
 * @param {string} name
 * @param {number} cx
 * @param {number} cy
 * @param {number} r
 */
const disc = (name, cx, cy, r) => makeSvg("circle", { class: name, cx, cy, r });

/**
 * The mood bar, lying or standing.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
function bar(x, y, width, height) {
  const stands = height > width;
  let at = 0;
  return COLOURS.map((name, i) => {
    const from = at;
    at += SHARES[i];
    return stands
      ? box(name, x, y + from * height, width, SHARES[i] * height - 0.6, 0.8)
      : box(name, x + from * width, y, SHARES[i] * width - 0.6, height, 0.8);
  });
}

/** Two bands of a stream, one over the other. */
const stream = () => [
  makeSvg("path", { class: "happy", d: "M18 39q8-9 16-3t16-5t16 3l10-2V47H18z" }),
  makeSvg("path", { class: "sad", d: "M18 43q10-4 20 0t20-1t18-2V47H18z" }),
];

/** @type {Readonly<Record<string, () => SVGElement[]>>} */
const LAYOUTS = {
  bar: () => [box("panel", 20, 35, 56, 15, 4), disc("happy", 28, 42.5, 4.5), box("words", 35, 38.5, 18, 2.5), ...bar(35, 43, 36, 4)],
  vertical: () => [box("panel", 75, 6, 16, 42, 4), disc("happy", 83, 13, 3.5), ...bar(80.5, 19, 5, 26)],
  compact: () => [disc("panel", 80, 38, 11), makeSvg("circle", { class: "ring", cx: 80, cy: 38, r: 9, "stroke-dasharray": "38 60" }), disc("happy", 80, 38, 6)],
  corner: () => [box("panel", 57, 26, 34, 23, 4), disc("happy", 64, 33, 4), box("words", 71, 31.5, 14, 3), ...bar(61, 41, 26, 4)],
  wave: () => [box("panel", 14, 22, 68, 28, 4), box("words", 20, 26, 18, 2.5), ...stream()],
  reactions: () => [disc("happy", 30, 34, 6), disc("surprise", 52, 20, 4.5), disc("happy", 68, 38, 4), disc("sad", 41, 14, 3)],
};

/** Where the panel lies: without a side in the middle. @param {string} value */
function place(value) {
  const [edge, side] = value.split("-");
  return [box("lit", { left: 6, right: 54 }[side] ?? 30, edge === "top" ? 6 : 37, 36, 11, 3)];
}

/**
 * @param {string} option
 * @param {string} value
 * @returns {Element | null} null where the option has none
 */
export function thumbnail(option, value) {
  if (option === "theme") return swatch(value);
  const parts = option === "layout" ? LAYOUTS[value]?.() : option === "position" ? place(value) : undefined;
  return parts ? makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, ...parts) : null;
}

/**
 * The custom properties that the page's sheets give a theme, of which themes.css has the rules for the overlay's root.
 *
 * @param {string} theme
 * @param {Iterable<CSSStyleSheet | null>} sheets
 * @returns {[string, string][]}
 */
function propertiesOf(theme, sheets) {
  return [...sheets].flatMap((sheet) => [...(sheet?.cssRules ?? [])]).flatMap((rule) => {
    if (rule instanceof CSSImportRule) return propertiesOf(theme, [rule.styleSheet]);
    if (!(rule instanceof CSSStyleRule) || !rule.selectorText.includes(`:root[data-theme="${theme}"]`)) return [];
    return [...rule.style].filter((name) => name.startsWith("--")).map((name) =>
      /** @type {[string, string]} */ ([name, rule.style.getPropertyValue(name)]));
  });
}

/** A theme's own panel, text and bar. @param {string} value */
function swatch(value) {
  const element = make("span", { className: "swatch", ariaHidden: "true" });
  for (const [name, own] of propertiesOf(value, document.styleSheets)) element.style.setProperty(name, own);
  const panel = make("span", { className: "swatch-panel" });
  const track = make("span", { className: "swatch-bar" });
  track.append(...COLOURS.map((name, i) => {
    const part = make("span");
    part.style.width = `${100 * SHARES[i]}%`;
    part.dataset.expression = name;
    return part;
  }));
  panel.append(make("span", { className: "swatch-text", textContent: "Aa" }), track);
  element.append(panel);
  return element;
}

// The overlay's custom properties that the settings page offers, and the Custom CSS for OBS made of them. Pure. A value
// can be a colour, a length or the name of a font, and nothing that a browser would load or that ends a declaration.

import { EXPRESSIONS } from "./contract.js";

/**
 * A custom property `--moodcast-NAME`. `part`: the heading it stands under. `usual`: where no theme sets it.
 * @typedef {{ name: string, part: "panel" | "expressions" } & (
 *   { kind: "colour", usual?: string } | { kind: "font" } | { kind: "length", least: number, most: number, step: number, usual: number }
 * )} Property
 */

/** @type {readonly Property[]} */
export const PROPERTIES = [
  { name: "panel", part: "panel", kind: "colour" },
  { name: "text", part: "panel", kind: "colour" },
  { name: "muted", part: "panel", kind: "colour" },
  { name: "track", part: "panel", kind: "colour", usual: "#ffffff1f" },
  { name: "countdown", part: "panel", kind: "colour", usual: "#ffc93c" },
  { name: "font", part: "panel", kind: "font" },
  { name: "radius", part: "panel", kind: "length", least: 0, most: 3, step: 0.1, usual: 1.1 },
  { name: "margin", part: "panel", kind: "length", least: 0, most: 6, step: 0.1, usual: 1.1 },
  { name: "bar-height", part: "panel", kind: "length", least: 0.5, most: 4, step: 0.05, usual: 2.25 },
  { name: "bar-radius", part: "panel", kind: "length", least: 0, most: 2, step: 0.05, usual: 1.15 },
  ...EXPRESSIONS.map((name) => /** @type {const} */ ({ name, part: "expressions", kind: "colour" })),
];

const COLOUR = /^#[0-9a-f]{6}(?:[0-9a-f]{2})?$/;
const FONT = /^[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N} _-]{0,58}[\p{L}\p{M}\p{N}])?$/u;

/**
 * A property's value as it is kept and shared, from whatever was given; undefined where it is none.
 *
 * @param {Property} property
 * @param {unknown} given
 * @returns {string | undefined}
 */
export function styleOf(property, given) {
  if (typeof given !== "string") return undefined;
  const text = given.trim();
  switch (property.kind) {
    case "colour": {
      const colour = text.toLowerCase();
      return COLOUR.test(colour) ? colour : undefined;
    }
    case "font":
      return FONT.test(text) ? text : undefined;
    case "length": {
      const number = text === "" ? NaN : Number(text);
      return number >= property.least && number <= property.most ? String(Math.round(100 * number) / 100) : undefined;
    }
  }
}

/**
 * As CSS writes it.
 *
 * @param {Property} property
 * @param {string} value as `styleOf` gives it
 */
function written({ kind }, value) {
  if (kind === "font") return `"${value}", sans-serif`;
  return kind === "length" ? `${value}em` : value;
}

/**
 * What goes into the Custom CSS of OBS's browser source; empty where nothing was changed.
 *
 * @param {Readonly<Record<string, string>>} style the changed properties' values
 */
export function customCss(style) {
  const lines = PROPERTIES.filter(({ name }) => name in style)
    .map((property) => `  --moodcast-${property.name}: ${written(property, style[property.name])};\n`);
  return lines.length ? `:root {\n${lines.join("")}}\n` : "";
}

/**
 * A colour in two parts, as inputs have it.
 *
 * @param {string} colour as `styleOf` gives it
 * @returns {{ colour: string, opacity: number }} #rrggbb, and 0 to 100
 */
export const parted = (colour) =>
  ({ colour: colour.slice(0, 7), opacity: Math.round((100 * parseInt(colour.slice(7) || "ff", 16)) / 255) });

/**
 * A colour of its two parts.
 *
 * @param {string} colour #rrggbb
 * @param {number} opacity 0 to 100
 */
export const joined = (colour, opacity) =>
  colour + (opacity < 100 ? Math.round((255 * opacity) / 100).toString(16).padStart(2, "0") : "");

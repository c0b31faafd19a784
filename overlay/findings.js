// What was found in a picture, drawn: outlines on it, and a card with seven bars for each face.

import { EXPRESSIONS, WORDS } from "./contract.js";
import { make, makeSvg, picture } from "./dom.js";
import { percent } from "./figures.js";

/** @import { Face, Findings } from "./recognise.js" */

const THUMBNAIL = 120; // pixels

/**
 * Index of the most probable expression.
 *
 * @param {number[]} probabilities
 */
export const first = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

/**
 * The canvas transform that shows a square of a picture upright.
 *
 * @param {number[][]} outline the square's corners in the picture, from its own top left clockwise
 * @param {number} side of the canvas in pixels
 * @returns {[number, number, number, number, number, number]} as setTransform takes them
 */
export function upright([[x, y], [x1, y1], , [x3, y3]], side) {
  const [ax, ay, bx, by] = [x1 - x, y1 - y, x3 - x, y3 - y];
  const scale = side / (ax * by - ay * bx);
  const [a, b, c, d] = [by * scale, -ay * scale, -bx * scale, ax * scale];
  return [a, b, c, d, -(a * x + c * y), -(b * x + d * y)];
}

/** @param {number} value as in "4.6 ms", "118 ms" */
export const milliseconds = (value) => `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ms`;

/**
 * A sentence about all the faces.
 *
 * @param {Pick<Face, "probabilities">[]} faces
 */
export function summary(faces) {
  if (!faces.length) return "No face was found. It should be well lit, seen from the front, and not too small.";
  const named = faces.map(({ probabilities }) => WORDS[EXPRESSIONS[first(probabilities)]]);
  if (faces.length === 1) return `One face, ${named[0]} (${percent(Math.max(...faces[0].probabilities))}).`;
  const counts = new Map();
  named.forEach((word) => counts.set(word, (counts.get(word) ?? 0) + 1));
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([word, count]) => `${count} ${word}`);
  return `${faces.length} faces: ${parts.join(", ")}.`;
}

/**
 * Draw the outlines and numbers.
 *
 * @param {SVGElement} svg
 * @param {HTMLElement} numbers
 * @param {Findings} findings
 * @param {boolean} mirrored where the picture below is
 */
export function outline(svg, numbers, { width, height, faces }, mirrored) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...faces.flatMap((face) => [polygon(face, true), polygon(face, false)]));
  numbers.replaceChildren(...faces.map((face, index) => {
    const number = make("span", { className: "number", textContent: String(index + 1) });
    number.dataset.expression = EXPRESSIONS[first(face.probabilities)];
    const corner = face.outline[mirrored ? 1 : 0];
    const inside = (/** @type {number} */ share) => `${100 * Math.min(0.98, Math.max(0.02, share))}%`;
    number.style.left = inside(mirrored ? 1 - corner[0] / width : corner[0] / width);
    number.style.top = inside(corner[1] / height);
    return number;
  }));
}

/**
 * @param {Face} face
 * @param {boolean} back a wider line below
 */
function polygon({ outline: corners, probabilities }, back) {
  const element = makeSvg("polygon", { points: corners.map((corner) => corner.join()).join(" ") });
  if (back) element.classList.add("back");
  else element.dataset.expression = EXPRESSIONS[first(probabilities)];
  return element;
}

/** @typedef {ReturnType<typeof card>} Card */

/** The cards of the faces. Those that are there are kept, so that bars move and readers are not thrown out. */
export class Cards {
  #list;
  /** @type {Card[]} */
  #cards = [];

  /** @param {HTMLOListElement} list empty */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {Findings} findings
   * @param {CanvasImageSource} seen that the findings are about
   */
  show({ width, height, faces }, seen) {
    this.#cards.splice(faces.length).forEach(({ element }) => element.remove());
    faces.forEach((face, index) => {
      if (!this.#cards[index]) {
        this.#cards[index] = card(index + 1);
        this.#list.append(this.#cards[index].element);
      }
      fill(this.#cards[index], face);
      const context = this.#cards[index].thumbnail.getContext("2d");
      if (!context) return;
      context.resetTransform();
      context.clearRect(0, 0, THUMBNAIL, THUMBNAIL);
      context.imageSmoothingQuality = "high";
      context.setTransform(...upright(face.outline, THUMBNAIL));
      context.drawImage(seen, 0, 0, width, height);
    });
  }

  clear() {
    this.#cards = [];
    this.#list.replaceChildren();
  }
}

/** @param {number} number from 1 */
function card(number) {
  const element = make("li", { className: "face" });
  element.setAttribute("aria-label", `Face ${number}`);
  const head = make("div", { className: "face-head" });
  const badge = make("span", { className: "number", textContent: String(number) });
  const thumbnail = make("canvas", { width: THUMBNAIL, height: THUMBNAIL, title: "The part of the picture that the classifier sees" });
  const [word, share] = [make("span", { className: "word" }), make("span", { className: "share" })];
  head.append(badge, thumbnail, word, share);
  const bars = make("ul", { className: "bars" });
  const rows = EXPRESSIONS.map((name) => {
    const row = make("li");
    row.dataset.expression = name;
    const track = make("span", { className: "track" });
    const [bar, value] = [make("div", { className: "fill" }), make("b")];
    track.append(bar);
    row.append(picture(name), make("span", { className: "word", textContent: WORDS[name] }), track, value);
    bars.append(row);
    return { row, bar, value };
  });
  element.append(head, bars);
  return { element, badge, thumbnail, word, share, rows };
}

/**
 * @param {Card} card
 * @param {Face} face
 */
function fill({ badge, word, share, rows }, { probabilities }) {
  const leading = first(probabilities);
  badge.dataset.expression = EXPRESSIONS[leading];
  word.textContent = WORDS[EXPRESSIONS[leading]];
  share.textContent = percent(probabilities[leading]);
  rows.forEach(({ row, bar, value }, index) => {
    row.toggleAttribute("data-first", index === leading);
    bar.style.transform = `scaleX(${probabilities[index].toFixed(4)})`;
    value.textContent = percent(probabilities[index]);
  });
}

// What was found in a picture, drawn: outlines on it, and a card with seven bars for each face.

import { EXPRESSIONS } from "./contract.js";
import { make, makeSvg, picture } from "./dom.js";
import { percent, wordOf } from "./figures.js";
import { say } from "./texts.js";

/** @import { Face, Findings } from "./recognise.js" */

const THUMBNAIL = 120; // pixels
const MANY = 4; // faces; with more, each is a small card, and its bars are shown where it is opened

/** Why a face would make no vote, as far as the relay says more than that it is not sure. */
const REASONS = ["covered", "upside_down", "chin_outside", "face_outside"];

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
 * What is told of a face besides that it is not sure: why, or what it may be.
 *
 * @param {Pick<Face, "probabilities" | "unread">} face
 */
const doubt = ({ probabilities, unread = "" }) =>
  REASONS.includes(unread) ? say(`try.why.${unread}`) : say("try.perhaps", { what: wordOf(EXPRESSIONS[first(probabilities)]) });

/**
 * A sentence about all the faces. Those that would make no vote are counted by themselves.
 *
 * @param {Pick<Face, "probabilities" | "unread">[]} faces
 */
export function summary(faces) {
  if (!faces.length) return say("try.faces.none");
  const [{ probabilities, unread }] = faces;
  if (faces.length === 1) {
    return unread
      ? say("try.faces.one", { what: say("try.not_sure"), more: doubt(faces[0]) })
      : say("try.faces.one", { what: wordOf(EXPRESSIONS[first(probabilities)]), more: percent(Math.max(...probabilities)) });
  }
  const sure = faces.filter((face) => !face.unread);
  const counts = new Map();
  sure.map((face) => EXPRESSIONS[first(face.probabilities)]).forEach((name) => counts.set(name, (counts.get(name) ?? 0) + 1));
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([name, number]) => say("try.faces.of", { number, what: wordOf(name) }));
  if (sure.length < faces.length) {
    parts.push(say("try.faces.of", { number: faces.length - sure.length, what: say("try.not_sure") }));
  }
  return say("try.faces.many", { count: faces.length, list: parts.join(say("common.and")) });
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
  numbers.toggleAttribute("data-many", faces.length > MANY);
  numbers.replaceChildren(...faces.map((face, index) => {
    const number = make("span", { className: "number", textContent: String(index + 1) });
    colour(number, face);
    const corner = face.outline[mirrored ? 1 : 0];
    const inside = (/** @type {number} */ share) => `${100 * Math.min(0.98, Math.max(0.02, share))}%`;
    number.style.left = inside(mirrored ? 1 - corner[0] / width : corner[0] / width);
    number.style.top = inside(corner[1] / height);
    return number;
  }));
}

/**
 * Give an element a face's colour: that of its expression, none where that is not sure.
 *
 * @param {HTMLElement | SVGElement} element
 * @param {Face} face
 */
function colour(element, { probabilities, unread }) {
  element.toggleAttribute("data-unread", Boolean(unread));
  if (unread) delete element.dataset.expression;
  else element.dataset.expression = EXPRESSIONS[first(probabilities)];
}

/**
 * @param {Face} face
 * @param {boolean} back a wider line below
 */
function polygon(face, back) {
  const element = makeSvg("polygon", { points: face.outline.map((corner) => corner.join()).join(" ") });
  if (back) element.classList.add("back");
  else colour(element, face);
  return element;
}

/** @typedef {ReturnType<typeof card>} Card */

/** The cards of the faces. Those that are there are kept, so that bars move and readers are not thrown out. */
export class Cards {
  #list;
  /** @type {Card[]} */
  #cards = [];
  #many = false;

  /** @param {HTMLOListElement} list empty */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {Findings} findings
   * @param {CanvasImageSource} seen that the findings are about
   */
  show({ width, height, faces }, seen) {
    const many = faces.length > MANY;
    const changed = this.#list.toggleAttribute("data-many", many) !== this.#many;
    this.#many = many;
    this.#cards.splice(faces.length).forEach(({ element }) => element.remove());
    faces.forEach((face, index) => {
      const isNew = !this.#cards[index];
      if (isNew) {
        this.#cards[index] = card(index + 1);
        this.#list.append(this.#cards[index].element);
      }
      if (isNew || changed) open(this.#cards[index], !many);
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

/**
 * Show a card's bars, or put them away.
 *
 * @param {Card} card
 * @param {boolean} on
 */
function open({ element, head, bars }, on) {
  element.toggleAttribute("data-open", on);
  head.setAttribute("aria-expanded", String(on));
  bars.hidden = !on;
}

/** @param {number} number from 1 */
function card(number) {
  const element = make("li", { className: "face" });
  element.setAttribute("aria-label", say("try.face", { number }));
  const head = make("button", { type: "button", className: "face-head" });
  const badge = make("span", { className: "number", textContent: String(number) });
  const thumbnail = make("canvas", { width: THUMBNAIL, height: THUMBNAIL, title: say("try.seen") });
  const [word, why, share] = ["word", "why", "share"].map((className) => make("span", { className }));
  const words = make("span", { className: "words" });
  words.append(word, why);
  head.append(badge, thumbnail, words, share);
  const bars = make("ul", { className: "bars" });
  const rows = EXPRESSIONS.map((name) => {
    const row = make("li");
    row.dataset.expression = name;
    const track = make("span", { className: "track" });
    const [bar, value] = [make("div", { className: "fill" }), make("b")];
    track.append(bar);
    row.append(picture(name), make("span", { className: "word", textContent: wordOf(name) }), track, value);
    bars.append(row);
    return { row, bar, value };
  });
  element.append(head, bars);
  const made = { element, head, badge, thumbnail, word, why, share, bars, rows };
  head.addEventListener("click", () => open(made, Boolean(bars.hidden)));
  return made;
}

/**
 * @param {Card} card
 * @param {Face} face
 */
function fill({ element, badge, word, why, share, rows }, face) {
  const { probabilities, unread } = face;
  const leading = first(probabilities);
  colour(badge, face);
  element.toggleAttribute("data-unread", Boolean(unread));
  word.textContent = unread ? say("try.not_sure") : wordOf(EXPRESSIONS[leading]);
  why.textContent = unread ? doubt(face) : "";
  share.textContent = percent(probabilities[leading]);
  rows.forEach(({ row, bar, value }, index) => {
    row.toggleAttribute("data-first", index === leading);
    bar.style.transform = `scaleX(${probabilities[index].toFixed(4)})`;
    value.textContent = percent(probabilities[index]);
  });
}

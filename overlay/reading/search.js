// Where to look for faces, and when: decisions on pixels and seconds alone; faces.js does the looking. A port of
// agent/search.py, where the reasons stand.

import { area, bounds } from "./boxes.js";
import { SEARCH } from "./constants.js";
import { rounded } from "./pixels.js";

/** @import { Points } from "./boxes.js" */

/** @typedef {[number, number, number, number]} Window left, top, right, bottom in whole pixels, the latter two not included */

/**
 * Decides in which windows of a frame to look for all faces. Times are in seconds and never run backwards.
 *
 * While no face is followed that is the whole frame and the next few windows. While one is followed it is nothing, and
 * every `everyS` the whole and one window.
 */
export class Lookout {
  #everyS;
  #dueS = -Infinity;
  /** @type {number | null} */
  #lookedS = null;
  #turn = 0;

  constructor(everyS = SEARCH.OTHERS_S) {
    this.#everyS = everyS;
  }

  /**
   * The windows of a frame of this size, the largest first; call it once a frame.
   *
   * @param {number} nowS
   * @param {number} width
   * @param {number} height
   * @param {boolean} followed
   * @returns {Window[]}
   */
  where(nowS, width, height, followed) {
    const since = this.#lookedS === null ? 0 : nowS - this.#lookedS;
    this.#lookedS = nowS;
    if (followed && nowS + since <= this.#dueS + SEARCH.IN_TIME_S) return []; // the next look is early enough
    this.#dueS = nowS + this.#everyS;
    const [whole, ...parts] = windows(width, height);
    const wanted = Math.min(SEARCH.AT_ONCE, Math.max(1, Math.ceil((parts.length * since) / SEARCH.ROUND_S)));
    const count = Math.min(followed ? 1 : wanted, parts.length);
    const turns = Array.from({ length: count }, (_, i) => parts[(this.#turn + i) % parts.length]);
    this.#turn += count;
    return [whole, ...turns];
  }

  /**
   * A face that looked larger was none, or was not: leave the one that is followed in peace for a while.
   *
   * @param {number} nowS
   */
  inVain(nowS) {
    this.#dueS = nowS + Math.max(this.#everyS, SEARCH.OTHERS_S);
  }
}

/**
 * Where to search a picture: all of it, then overlapping squares of half its longer side, of half of that.
 *
 * @param {number} width
 * @param {number} height
 */
export function windows(width, height) {
  /** @type {Window[]} */
  const found = [[0, 0, width, height]];
  let side = Math.floor(Math.max(width, height) / 2);
  const least = Math.max(SEARCH.LEAST_SIDE, Math.min(side, SEARCH.LARGEST_SIDE / 2));
  for (; side >= least; side = Math.floor(side / 2)) {
    for (const top of starts(height, side)) {
      for (const left of starts(width, side)) {
        found.push([left, top, Math.min(left + side, width), Math.min(top + side, height)]);
      }
    }
  }
  return found;
}

/**
 * Evenly spread from 0 to where a window ends with the picture, at most half a window apart.
 *
 * @param {number} length
 * @param {number} side
 */
function starts(length, side) {
  const room = Math.max(0, length - side);
  const steps = Math.ceil((2 * room) / side);
  return steps ? Array.from({ length: steps + 1 }, (_, i) => rounded((i * room) / steps)) : [0];
}

/**
 * A square with a face in its middle, `sides` times as wide as the face is high, as far as it is in the picture.
 *
 * @param {Points} face
 * @param {number} sides
 * @param {number} width
 * @param {number} height
 * @returns {Window}
 */
export function around(face, sides, width, height) {
  const [faceLeft, faceTop, faceRight, faceBottom] = bounds(face);
  const half = Math.max(1, (sides * Math.max(faceRight - faceLeft, faceBottom - faceTop)) / 2);
  const [x, y] = [(faceLeft + faceRight) / 2, (faceTop + faceBottom) / 2];
  const left = Math.min(Math.max(0, Math.floor(x - half)), width - 1);
  const top = Math.min(Math.max(0, Math.floor(y - half)), height - 1);
  const right = Math.min(Math.max(left + 1, Math.ceil(x + half)), width);
  return [left, top, right, Math.min(Math.max(top + 1, Math.ceil(y + half)), height)];
}

/**
 * Whether a window of a picture of this size still has room around a face, and is not much too large for it.
 *
 * @param {Window} window
 * @param {Points} face
 * @param {number} width
 * @param {number} height
 */
export function holds(window, face, width, height) {
  const [left, top, right, bottom] = window;
  const [faceLeft, faceTop, faceRight, faceBottom] = bounds(face);
  const side = Math.max(faceRight - faceLeft, faceBottom - faceTop);
  return right <= width && bottom <= height && isWhole(face, window, width, height, SEARCH.NEAR * side) &&
    Math.max(right - left, bottom - top) <= Math.max(SEARCH.LARGEST_SIDE, SEARCH.SMALL * side);
}

/**
 * Whether no edge of the window cuts the face or is nearer than `room` pixels. A face that the picture's own edge cuts
 * is all there is.
 *
 * @param {Points} face
 * @param {Window} window
 * @param {number} width
 * @param {number} height
 */
export function isWhole(face, window, width, height, room = 0) {
  const [left, top, right, bottom] = bounds(face);
  return (left > window[0] + room || window[0] === 0) && (top > window[1] + room || window[1] === 0) &&
    (right < window[2] - room || window[2] === width) && (bottom < window[3] - room || window[3] === height);
}

/**
 * Whether another face is so much larger than the one that is followed that it counts in its place.
 *
 * @param {Points} other
 * @param {Points} followed
 */
export const outweighs = (other, followed) => area(other) > SEARCH.LARGER * area(followed);

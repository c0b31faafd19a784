// When to look at a frame: at each while the face changes, once a second while nothing does. agent/pace.py.

import { PACE, PROTOCOL, SMOOTHING } from "./constants.js";
import { areaResized, greyOf, part, rounded } from "./pixels.js";
import { leastSquares } from "./squares.js";

/** @import { Image } from "./pixels.js" */
/** @import { Reading } from "./smoothing.js" */

/**
 * Left, top, right, bottom as shares of the picture's width and height.
 *
 * @typedef {readonly [number, number, number, number]} Box
 */

const { SIDE } = PACE;
const COUNT = SIDE * SIDE;
/** x and y of a thumbnail's pixels, -0.5..0.5. */
const X = Float64Array.from({ length: COUNT }, (_, at) => ((at % SIDE) - (SIDE - 1) / 2) / SIDE);
const Y = Float64Array.from({ length: COUNT }, (_, at) => (Math.floor(at / SIDE) - (SIDE - 1) / 2) / SIDE);
const ONES = new Float64Array(COUNT).fill(1);
const RIDGE = 1e-3;

/** Decides which of the frames that come by are looked at. Ask `due` of each; tell `looked` of those that were. */
export class LookRate {
  #quietS;
  #lookedAt = -Infinity;
  #awakeUntil = -Infinity;
  /** @type {Box | null} */
  #box = null;
  /** @type {Float64Array | null} */
  #thumbnail = null;
  /** @type {Float64Array | null} */
  #eyes = null;
  /** @type {readonly number[] | null} */
  #probabilities = null;
  /** Whether the newest frame was due for its difference alone. */
  #isWoken = false;
  /** @type {number | null} */
  #inVainSince = null;
  #restlessUntil = -Infinity;

  /** @param {number} fps so many frames a second come by */
  constructor(fps) {
    this.#quietS = PACE.QUIET_S - 0.5 / fps; // frames tremble: half a frame early is in time
  }

  /**
   * Whether to look at this frame.
   *
   * @param {number} time in seconds, never decreasing
   * @param {Image} frame
   */
  due(time, frame) {
    this.#isWoken = false;
    if (!this.#thumbnail || time < this.#awakeUntil || time - this.#lookedAt >= this.#quietS) return true;
    const isRestless = time < this.#restlessUntil;
    if (isRestless && !this.#box) return false;
    this.#isWoken = difference(this.#thumbnail, thumbnail(frame, this.#box), isRestless) >= PACE.CHANGED;
    if (!this.#isWoken && this.#eyes) {
      this.#isWoken = difference(this.#eyes, thumbnail(frame, this.#box, PACE.EYES), isRestless) >= PACE.CHANGED;
    }
    return this.#isWoken;
  }

  /**
   * What a look at a frame told: where the face is and its probabilities, and the reading that came of it.
   *
   * @param {number} time
   * @param {Image} frame
   * @param {Box | null} box
   * @param {readonly number[] | null} probabilities
   * @param {Reading | null} reading
   * @param {boolean} [still] whether nothing of the face moved for a while, so that a blink is worth a look
   */
  looked(time, frame, box, probabilities, reading, still = false) {
    const hasNews = isNews(this.#probabilities, probabilities) || !isShown(probabilities, reading);
    if (hasNews) this.#awakeUntil = time + PACE.AWAKE_S;
    if (hasNews || !this.#isWoken) {
      this.#inVainSince = null;
    } else if (this.#inVainSince === null) {
      this.#inVainSince = time;
    } else if (time - this.#inVainSince >= PACE.IN_VAIN_S) {
      this.#inVainSince = null;
      this.#restlessUntil = time + PACE.RESTLESS_S;
    }
    this.#lookedAt = time;
    this.#box = box;
    this.#probabilities = probabilities;
    this.#thumbnail = thumbnail(frame, box);
    this.#eyes = still ? thumbnail(frame, box, PACE.EYES) : null;
  }
}

/**
 * @param {readonly number[] | null} before
 * @param {readonly number[] | null} now
 */
function isNews(before, now) {
  if (!before || !now) return before !== now;
  return Math.max(...before.map((p, at) => Math.abs(p - now[at]))) >= PACE.NEWS;
}

/**
 * Whether the reading stays as it is if all looks to come tell what the last one does.
 *
 * @param {readonly number[] | null} probabilities
 * @param {Reading | null} reading
 */
function isShown(probabilities, reading) {
  if (!probabilities || !reading) return !probabilities && !reading;
  const shown = probabilities[PROTOCOL.EXPRESSIONS.indexOf(reading.expression)];
  return Math.max(...probabilities) < SMOOTHING.RULES.lead * shown;
}

/**
 * Grey values (16 by 16) of a frame: of the face in `box`, or of all without one.
 *
 * @param {Image} frame
 * @param {Box | null} box
 * @param {readonly number[]} rowsOf from which share of the box's height to which
 */
export function thumbnail(frame, box, rowsOf = PACE.BELOW_EYES) {
  const [left, top, right, bottom] = compared(frame, box, rowsOf);
  // Of a large picture some rows will do.
  const step = Math.max(1, Math.floor(Math.min(right - left, bottom - top) / PACE.ENOUGH));
  const { data } = areaResized(part(frame, left, top, right, bottom, step), SIDE, SIDE);
  return Float64Array.from({ length: COUNT }, (_, i) => greyOf(data[4 * i], data[4 * i + 1], data[4 * i + 2]));
}

/**
 * The part of a frame that a thumbnail is made of, in whole pixels: left, top, right, bottom.
 *
 * @param {Image} frame
 * @param {Box | null} box
 * @param {readonly number[]} rowsOf
 */
function compared({ width, height }, box, rowsOf) {
  const all = [0, 0, width, height];
  if (!box) return all;
  const left = box[0] * width, right = box[2] * width, top = box[1] * height, high = box[3] * height - top;
  const edge = PACE.WITHOUT_EDGES * (right - left);
  const [low, upTo] = rowsOf.map((share) => within(top + share * high, height));
  const found = [within(left + edge, width), low, within(right - edge, width), upTo];
  return found[0] < found[2] && found[1] < found[3] ? found : all; // a box may be outside the frame
}

/**
 * @param {number} place
 * @param {number} length
 */
const within = (place, length) => Math.min(length, Math.max(0, rounded(place)));

/**
 * How much changed between two thumbnails, as a share of the contrast: 0 and more. Another light is no change, nor is a
 * small motion of the head; `withoutBands`: nor is a lamp's flicker. See agent/pace.py.
 *
 * @param {Float64Array} before
 * @param {Float64Array} now
 * @param {boolean} withoutBands
 */
export function difference(before, now, withoutBands = false) {
  const across = slope(before, 1), down = slope(before, SIDE);
  const made = (/** @type {(at: number) => number} */ of) => before.map((_, at) => of(at));
  const columns = [
    ONES, before, X, Y,
    ...(withoutBands ? [1, 2, 3].map((power) => made((at) => Y[at] ** power * before[at])) : []),
    across, down, made((at) => X[at] * across[at] + Y[at] * down[at]), made((at) => Y[at] * across[at] - X[at] * down[at]),
  ];
  const changed = now.map((value, at) => value - before[at]);
  const by = leastSquares(columns, changed, RIDGE); // a blank wall explains nothing
  const rest = changed.map((value, at) => value - columns.reduce((sum, column, i) => sum + by[i] * column[at], 0));
  const agreed = blurred(rest);
  // Noise that each pixel has by itself leaves a ninth of its variance in a mean of nine, and eight ninths beside it;
  // among so few pixels, half as much again at times.
  const power = Math.max(0, variance(agreed) - (1.5 * variance(rest.map((value, at) => value - agreed[at]))) / 8);
  return Math.sqrt(power) / (Math.sqrt(variance(before)) + PACE.FAINTEST);
}

/**
 * How much a thumbnail grows from pixel to pixel along a row (`step` 1) or a column (`SIDE`).
 *
 * @param {Float64Array} thumb
 * @param {number} step
 */
const slope = (thumb, step) =>
  thumb.map((value, at) => {
    const place = Math.floor(at / step) % SIDE;
    if (place === 0) return thumb[at + step] - value;
    return place === SIDE - 1 ? value - thumb[at - step] : (thumb[at + step] - thumb[at - step]) / 2;
  });

/**
 * The mean of each pixel and its eight neighbours; what is beyond an edge is what lies before it.
 *
 * @param {Float64Array} values
 */
function blurred(values) {
  const mirrored = (/** @type {number} */ place) => place < 0 ? 1 : place === SIDE ? SIDE - 2 : place;
  return values.map((_, at) => {
    let sum = 0;
    for (const row of [-1, 0, 1]) {
      const start = SIDE * mirrored(Math.floor(at / SIDE) + row);
      for (const column of [-1, 0, 1]) sum += values[start + mirrored((at % SIDE) + column)];
    }
    return sum / 9;
  });
}

/** @param {Float64Array} values */
function variance(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

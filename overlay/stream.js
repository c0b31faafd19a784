// The last two minutes of an audience as a stream: how thick each expression's band is, second by second, as plain numbers.

import { EXPRESSIONS } from "./contract.js";

export const SECONDS = 120;
const CALM = 0.15; // of neutral, so much of its share is drawn: the stream swells when the audience does not keep calm
const SMOOTH = [1, 2, 3, 2, 1]; // weights of a second and of those around it
/** From the lowest band to the highest: dark moods below, bright ones above, calm between. */
export const ORDER = ["sad", "fear", "disgust", "angry", "neutral", "surprise", "happy"].map((name) =>
  EXPRESSIONS.findIndex((expression) => expression === name));

/** @typedef {number[] | null} Sample seven shares of a second; null while nothing was shown */

/** Of each second the mean of what came in it; a second without news is like the one before. */
export class Seconds {
  constructor() {
    /** @type {Sample[]} */
    this.kept = Array(SECONDS).fill(null);
    /** @type {number[][]} */
    this.came = [];
    /** @type {Sample} */
    this.last = null;
  }

  /** @param {Sample} shares null: from now on nothing is shown */
  add(shares) {
    this.last = shares;
    if (shares) this.came.push(shares);
    else this.came = [];
  }

  /** A second is over. */
  tick() {
    const count = this.came.length;
    this.kept.push(count ? EXPRESSIONS.map((_, i) => this.came.reduce((sum, one) => sum + one[i] / count, 0)) : this.last);
    this.kept.shift();
    this.came = [];
  }
}

/**
 * The bands of a stream around its middle.
 *
 * @param {Sample[]} samples oldest first
 * @returns {{ index: number, edges: [number, number][] }[]} of each expression, from the lowest band on, where it begins
 *   and ends at each second: -0.5 to 0.5
 */
export function bands(samples) {
  const drawn = samples.map((_, at) => thickness(samples, at));
  const totals = drawn.map((one) => one.reduce((sum, value) => sum + value, 0));
  const below = totals.map((total) => -total / 2);
  return ORDER.map((index) => ({
    index,
    edges: drawn.map((one, at) => {
      const from = below[at];
      below[at] += one[index];
      return /** @type {[number, number]} */ ([from, below[at]]);
    }),
  }));
}

/**
 * @param {Sample[]} samples
 * @param {number} at
 */
function thickness(samples, at) {
  const sums = EXPRESSIONS.map(() => 0);
  let weights = 0;
  SMOOTH.forEach((weight, i) => {
    const near = samples[Math.min(samples.length - 1, Math.max(0, at + i - (SMOOTH.length >> 1)))];
    weights += weight;
    near?.forEach((share, index) => (sums[index] += weight * share * (EXPRESSIONS[index] === "neutral" ? CALM : 1)));
  });
  return sums.map((sum) => sum / weights);
}

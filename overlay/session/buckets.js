// Seconds of a session put together for drawing: each bucket keeps the mean, the least and the most, so that a moment of
// a few seconds is seen in a session of hours. Pure.

import { EXPRESSIONS } from "../contract.js";

/** @import { Moment } from "../history.js" */
/** @import { Range } from "./zoom.js" */

/** What is drawn of a second: the expressions in their order, then valence and resonance. */
export const VALENCE = EXPRESSIONS.length;
export const RESONANCE = VALENCE + 1;
export const CHANNELS = RESONANCE + 1;

/** The expressions as shares of those who share, or as numbers of viewers. */
/** @typedef {"share" | "viewers"} Measure */

/**
 * Seconds from `from` up to `to`, which is not in it; of `seconds` of them something is stored. `mean`, `low` and `high`
 * have a number for each channel.
 * @typedef {{ from: number, to: number, seconds: number, mean: number[], low: number[], high: number[] }} Bucket
 */

const LONGEST_GAP_S = 5; // moments come once a second; a longer pause means that too few viewers shared

/**
 * What one second has of each channel.
 *
 * @param {Moment} moment
 * @param {Measure} measure
 */
export function valuesOf({ counts, valence, resonance }, measure) {
  let total = 0;
  for (const count of counts) total += count;
  const unit = measure === "viewers" ? 1 : total;
  return [...counts.map((count) => (unit > 0 ? count / unit : 0)), valence, resonance];
}

/**
 * The first of the moments that is not before `time`; their number where all are.
 *
 * @param {Moment[]} moments in order of time
 * @param {number} time
 */
export function indexOf(moments, time) {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle].time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The moment nearest in time, as it is stored: no mean of several; null where there is none.
 *
 * @param {Moment[]} moments in order of time
 * @param {number} time
 * @returns {Moment | null}
 */
export function nearest(moments, time) {
  const after = indexOf(moments, time);
  const [before, next] = [moments[after - 1], moments[after]];
  if (!before || !next) return before ?? next ?? null;
  return time - before.time < next.time - time ? before : next;
}

/**
 * The buckets of a part of the session, in runs without a pause. One more on each side, where there is one, leads the
 * lines to the edges.
 *
 * @param {Moment[]} moments in order of time
 * @param {Range} range
 * @param {number} step length of a bucket, in whole seconds
 * @param {number} origin where one begins, as Unix time
 * @param {Measure} measure
 * @returns {Bucket[][]}
 */
export function bucketed(moments, { from, to }, step, origin, measure) {
  const place = (/** @type {number} */ time) => Math.floor((time - origin) / step);
  const first = indexOf(moments, origin + (place(from) - 1) * step);
  const end = indexOf(moments, origin + (place(to) + 2) * step);
  /** @type {Bucket[][]} */
  const runs = [];
  /** @type {Filling | null} */
  let open = null;
  for (let index = first; index < end; index++) {
    const moment = moments[index];
    const paused = index === first || moment.time - moments[index - 1].time > LONGEST_GAP_S;
    if (paused) runs.push([]);
    if (!open || paused || moment.time >= open.bucket.to) {
      if (open) finish(open, measure);
      open = begun(origin + place(moment.time) * step, step);
      runs[runs.length - 1].push(open.bucket);
    }
    add(open, moment, measure);
  }
  if (open) finish(open, measure);
  return runs;
}

/** @typedef {{ bucket: Bucket, total: number }} Filling `total`: of all counts */

/**
 * @param {number} from
 * @param {number} step
 * @returns {Filling}
 */
const begun = (from, step) => ({
  bucket: {
    from, to: from + step, seconds: 0,
    mean: Array(CHANNELS).fill(0), low: Array(CHANNELS).fill(Infinity), high: Array(CHANNELS).fill(-Infinity),
  },
  total: 0,
});

/**
 * @param {Filling} filling
 * @param {Moment} moment
 * @param {Measure} measure
 */
function add(filling, { counts, valence, resonance }, measure) {
  const { mean, low, high } = filling.bucket;
  filling.bucket.seconds++;
  let total = 0;
  for (let index = 0; index < VALENCE; index++) total += counts[index];
  filling.total += total;
  const unit = measure === "viewers" ? 1 : total || 1;
  for (let index = 0; index < CHANNELS; index++) {
    const stored = index < VALENCE ? counts[index] : index === VALENCE ? valence : resonance;
    const value = index < VALENCE ? stored / unit : stored;
    mean[index] += stored; // a share's mean is that of all who shared, not of all seconds
    if (value < low[index]) low[index] = value;
    if (value > high[index]) high[index] = value;
  }
}

/**
 * @param {Filling} filling
 * @param {Measure} measure
 */
function finish({ bucket, total }, measure) {
  const shares = measure === "share";
  bucket.mean = bucket.mean.map((sum, index) => sum / ((shares && index < VALENCE ? total : bucket.seconds) || 1));
}

/** Lengths of a bucket that may be chosen, in seconds; 0 is the shortest that can be told apart on the chart. */
export const UNITS = [0, 1, 10, 60, 300];
const PIXELS_A_BUCKET = 2;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800];

/**
 * How long a bucket is. One that is chosen is that long, but no second is drawn on less than half a pixel: what lies in
 * between is seen from the least to the most all the same.
 *
 * @param {number} unit one of UNITS
 * @param {number} span of what is drawn, in seconds
 * @param {number} pixels in which
 */
export function stepFor(unit, span, pixels) {
  const finest = unit === 0 ? PIXELS_A_BUCKET : 0.5;
  return unit > 1 ? unit : STEPS.find((step) => (pixels * step) / span >= finest) ?? 3600;
}

/**
 * The mean of each channel over all buckets, by how much they hold.
 *
 * @param {Bucket[][]} runs
 */
export function means(runs) {
  const sums = Array(CHANNELS).fill(0);
  let seconds = 0;
  for (const bucket of runs.flat()) {
    seconds += bucket.seconds;
    bucket.mean.forEach((value, index) => (sums[index] += value * bucket.seconds));
  }
  return sums.map((sum) => sum / (seconds || 1));
}

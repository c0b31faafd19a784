// Two sessions beside each other, aligned at their start. Pure.

import { bucketed } from "./buckets.js";
import { whole } from "./zoom.js";

/** @import { History } from "../history.js" */
/** @import { Bucket, Measure } from "./buckets.js" */

/**
 * So many seconds after the start of each: what the two have; null where one has nothing.
 * @typedef {{ offset: number, one: number | null, other: number | null }} Pair
 */

/**
 * The other session as if it had begun when the one did: its runs lie beside the one's.
 *
 * @param {History} other
 * @param {number} start of the one
 * @returns {History}
 */
export function moved(other, start) {
  const by = start - whole(other).from;
  const shift = (/** @type {{ time: number }[]} */ list) => list.map((item) => ({ ...item, time: item.time + by }));
  return /** @type {History} */ ({
    ...other,
    session: { ...other.session, started: start },
    moments: shift(other.moments), reactions: shift(other.reactions), markers: shift(other.markers),
  });
}

/**
 * One channel of both.
 *
 * @param {Bucket[][]} one
 * @param {Bucket[][]} other moved to the one's start, of equal steps and origin
 * @param {number} channel
 * @param {number} start
 * @returns {Pair[]}
 */
export function paired(one, other, channel, start) {
  /** @type {Map<number, Pair>} */
  const pairs = new Map();
  const put = (/** @type {Bucket[][]} */ runs, /** @type {"one" | "other"} */ side) => {
    for (const { from, mean } of runs.flat()) {
      const pair = pairs.get(from) ?? { offset: from - start, one: null, other: null };
      pair[side] = mean[channel];
      pairs.set(from, pair);
    }
  };
  put(one, "one");
  put(other, "other");
  return [...pairs.values()].sort((a, b) => a.offset - b.offset);
}

/**
 * What both have on average, over the seconds since the start of which both have something; null where there are none.
 *
 * @param {History} one
 * @param {History} other
 * @param {number} channel
 * @param {Measure} measure
 */
export function difference(one, other, channel, measure) {
  const all = whole(one);
  const runs = [one, moved(other, all.from)].map((history) =>
    bucketed(history.moments, { from: all.from, to: Infinity }, 10, all.from, measure));
  const both = paired(runs[0], runs[1], channel, all.from).filter((pair) => pair.one !== null && pair.other !== null);
  const mean = (/** @type {"one" | "other"} */ side) =>
    both.reduce((sum, pair) => sum + Number(pair[side]), 0) / both.length;
  return both.length ? { one: mean("one"), other: mean("other"), seconds: 10 * both.length } : null;
}

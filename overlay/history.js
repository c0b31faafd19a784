// A session's history made ready for drawing: pure functions on the relay's JSON.

import { EXPRESSIONS } from "./contract.js";

const LONGEST_GAP_S = 5; // moments come once a second; a longer pause means that too few viewers shared

/**
 * Average moments into at most `most` points, so that hours of stream stay quick to draw.
 *
 * @param {object[]} moments as the relay stores them, in order of time
 * @param {number} most points wanted
 * @returns {object[][]} runs without a pause; each point {time, shares: number[7], valence, resonance, sharing, viewers}
 */
export function runs(moments, most) {
  if (!moments.length) return [];
  const span = moments[moments.length - 1].time - moments[0].time + 1;
  const step = Math.max(1, Math.ceil(span / most));
  const result = [];
  let bucket = [];
  const close = () => {
    if (bucket.length) result[result.length - 1].push(average(bucket));
    bucket = [];
  };
  moments.forEach((moment, index) => {
    const before = moments[index - 1];
    const paused = !before || moment.time - before.time > LONGEST_GAP_S;
    if (paused || Math.floor(moment.time / step) !== Math.floor(before.time / step)) close();
    if (paused) result.push([]);
    bucket.push(moment);
  });
  close();
  return result;
}

function average(moments) {
  const mean = (value) => moments.reduce((sum, moment) => sum + value(moment), 0) / moments.length;
  const counts = EXPRESSIONS.map((_, index) => mean((moment) => moment.counts[index]));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    time: mean((moment) => moment.time),
    shares: counts.map((count) => (total > 0 ? count / total : 0)),
    valence: mean((moment) => moment.valence),
    resonance: mean((moment) => moment.resonance),
    sharing: Math.round(mean((moment) => moment.sharing)),
    viewers: Math.round(mean((moment) => moment.viewers)),
  };
}

/** The point nearest in time, or null. */
export function nearest(points, time) {
  let best = null;
  for (const point of points) {
    if (!best || Math.abs(point.time - time) < Math.abs(best.time - time)) best = point;
  }
  return best;
}

/** The moment that a live mood event adds to the running session; null when nothing is stored for it. */
export const momentOf = (mood) =>
  mood.visible
    ? {
        time: Math.floor(mood.time),
        viewers: mood.viewers,
        sharing: mood.sharing,
        counts: mood.counts,
        valence: mood.valence,
        resonance: mood.resonance,
      }
    : null;

/** Round steps for a time axis with about `most` marks, in seconds. */
export function timeStep(span, most) {
  const steps = [5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  return steps.find((step) => span / step <= most) ?? 86400;
}

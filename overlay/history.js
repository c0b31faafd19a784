// A session's history made ready for drawing: pure functions on the relay's JSON.

import { EXPRESSIONS } from "./contract.js";

/** @import { Reaction } from "./contract.js" */
/** @import { Marker, Mood } from "./protocol.d.ts" */

/**
 * Times are Unix times in seconds; a running session has no end.
 * @typedef {{ number: number, name: string | null, started: number, ended: number | null }} Session
 */

/**
 * A second of which something is stored.
 * @typedef {Pick<Mood, "time" | "viewers" | "sharing" | "counts" | "valence" | "resonance">} Moment
 */

/**
 * The relay's JSON of a session; moments and markers in order of time.
 * @typedef {{ session: Session, moments: Moment[], reactions: Reaction[], markers: Marker[] }} History
 */

/**
 * What is drawn of one moment or of several.
 * @typedef {{ time: number, shares: number[], valence: number, resonance: number, sharing: number, viewers: number }} Point
 */

const LONGEST_GAP_S = 5; // moments come once a second; a longer pause means that too few viewers shared
const SHORTEST_S = 10; // of the time axis

/**
 * Average moments into at most `most` points, so that hours of stream stay quick to draw.
 *
 * @param {Moment[]} moments in order of time
 * @param {number} most points wanted
 * @returns {Point[][]} runs without a pause
 */
export function runs(moments, most) {
  if (!moments.length) return [];
  const span = moments[moments.length - 1].time - moments[0].time + 1;
  const step = Math.max(1, Math.ceil(span / most));
  /** @type {Point[][]} */
  const result = [];
  /** @type {Moment[]} */
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

/**
 * @param {Moment[]} moments at least one
 * @returns {Point}
 */
function average(moments) {
  const mean = (/** @type {(moment: Moment) => number} */ value) =>
    moments.reduce((sum, moment) => sum + value(moment), 0) / moments.length;
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

/**
 * The point nearest in time, or null.
 *
 * @param {Point[]} points
 * @param {number} time
 */
export function nearest(points, time) {
  /** @type {Point | null} */
  let best = null;
  for (const point of points) {
    if (!best || Math.abs(point.time - time) < Math.abs(best.time - time)) best = point;
  }
  return best;
}

/**
 * The markers that were heard of but are not in a history, which was read before them.
 *
 * @param {Marker[]} markers of the history
 * @param {Marker[]} heard of the same session
 */
export const missed = (markers, heard) =>
  heard.filter((one) => !markers.some(({ time, text }) => time === one.time && text === one.text));

/**
 * The moment that a live mood event adds to the running session; null when nothing is stored for it.
 *
 * @param {Mood} mood
 * @returns {Moment | null}
 */
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

/**
 * Round steps for a time axis with about `most` marks, in seconds.
 *
 * @param {number} span of the axis in seconds
 * @param {number} most
 */
export function timeStep(span, most) {
  const steps = [5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  return steps.find((step) => span / step <= most) ?? 86400;
}

/**
 * The time axis: where it begins, as Unix time, and how many seconds it has.
 *
 * @param {History} history
 */
export function axis({ session, moments, markers }) {
  const start = Math.min(session.started, moments[0]?.time ?? Infinity);
  const end = Math.max(moments[moments.length - 1]?.time ?? 0, markers[markers.length - 1]?.time ?? 0);
  return { start, span: Math.max(SHORTEST_S, end - start) };
}

/**
 * The reactions to draw, strongest first: one that would hide a stronger one is left out.
 *
 * @template {{ x: number, strength: number }} Mark
 * @param {Mark[]} marks `x` in pixels
 * @param {number} room in pixels that lie at least between two
 * @returns {Mark[]}
 */
export function thinned(marks, room) {
  /** @type {Mark[]} */
  const kept = [];
  for (const mark of [...marks].sort((a, b) => b.strength - a.strength)) {
    if (kept.every((other) => Math.abs(other.x - mark.x) > room)) kept.push(mark);
  }
  return kept;
}

/** @type {Readonly<Record<string, number>>} */
const MOVES = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };

/**
 * Which of the points a key moves to; null where it moves nowhere.
 *
 * @param {string} key as in KeyboardEvent
 * @param {number} now index of the point that is shown
 * @param {number} count of the points
 */
export const moved = (key, now, count) =>
  Object.hasOwn(MOVES, key) && count ? Math.min(count - 1, Math.max(0, now + MOVES[key])) : null;

/**
 * The mean share of each expression.
 *
 * @param {Point[]} points at least one
 */
export const meanShares = (points) =>
  EXPRESSIONS.map((_, index) => points.reduce((sum, point) => sum + point.shares[index], 0) / points.length);

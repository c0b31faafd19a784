// Which part of a session the chart shows. Pure.

/** @import { History } from "../history.js" */

/**
 * From the second `from` to the second `to`, as Unix times.
 * @typedef {{ from: number, to: number }} Range
 */

const SHORTEST_S = 10; // nothing is shown nearer

/**
 * All that the chart can show of a session.
 *
 * @param {History} history
 * @returns {Range}
 */
export function whole({ session, moments, markers }) {
  const from = Math.floor(Math.min(session.started, moments[0]?.time ?? Infinity));
  const to = Math.max(moments[moments.length - 1]?.time ?? 0, markers[markers.length - 1]?.time ?? 0);
  return { from, to: Math.max(from + SHORTEST_S, to) };
}

/**
 * The range moved and shortened until it lies in the whole.
 *
 * @param {Range} range
 * @param {Range} all
 * @returns {Range}
 */
export function within({ from, to }, all) {
  const span = Math.min(Math.max(to - from, SHORTEST_S), all.to - all.from);
  const middle = (from + to) / 2;
  const start = Math.min(Math.max(to - from < SHORTEST_S ? middle - span / 2 : from, all.from), all.to - span);
  return { from: start, to: start + span };
}

/**
 * @param {Range} range
 * @param {Range} all
 * @param {number} factor below 1 to come nearer
 * @param {number} at the time that stays where it is
 */
export const zoomed = ({ from, to }, all, factor, at) => {
  const kept = Math.max(factor, SHORTEST_S / (to - from)); // else the nearest would move sideways
  return within({ from: at - (at - from) * kept, to: at + (to - at) * kept }, all);
};

/**
 * @param {Range} range
 * @param {Range} all
 * @param {number} seconds
 */
export const panned = ({ from, to }, all, seconds) => within({ from: from + seconds, to: to + seconds }, all);

/**
 * Two fingers take the times under them along.
 *
 * @param {Range} range when the fingers came down
 * @param {Range} all
 * @param {[number, number]} before where they were, as parts of the plot's width
 * @param {[number, number]} now where they are
 */
export function pinched({ from, to }, all, before, now) {
  const span = to - from;
  const apart = Math.max(Math.abs(now[1] - now[0]), 0.01);
  const next = Math.max((span * Math.abs(before[1] - before[0])) / apart, SHORTEST_S);
  const middle = from + (span * (before[0] + before[1])) / 2;
  const start = middle - (next * (now[0] + now[1])) / 2;
  return within({ from: start, to: start + next }, all);
}

/**
 * The range moved, as little as it takes, until the time is in it, with a tenth of room around.
 *
 * @param {Range} range
 * @param {Range} all
 * @param {number} time
 */
export function holding({ from, to }, all, time) {
  const room = (to - from) / 10;
  if (time < from + room && from > all.from) return within({ from: time - room, to: time - room + (to - from) }, all);
  if (time > to - room && to < all.to) return within({ from: time + room - (to - from), to: time + room }, all);
  return { from, to };
}

/**
 * @param {Range} range
 * @param {Range} all
 */
export const isWhole = (range, all) => range.from <= all.from && range.to >= all.to;

/** @type {Readonly<Record<string, number>>} */
const NEARER = { "+": 0.5, "=": 0.5, "-": 2, _: 2 };

/**
 * What a key makes of the range; null where it does nothing.
 *
 * @param {{ key: string, shiftKey: boolean }} event
 * @param {Range} range
 * @param {Range} all
 * @param {number} at the cursor's time
 * @returns {Range | null}
 */
export function keyed({ key, shiftKey }, range, all, at) {
  if (Object.hasOwn(NEARER, key)) return zoomed(range, all, NEARER[key], at);
  if (key === "0") return all;
  if (shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) {
    return panned(range, all, ((range.to - range.from) / 4) * (key === "ArrowLeft" ? -1 : 1));
  }
  return null;
}

/** @type {Readonly<Record<string, number>>} */
const MOVES = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };

/**
 * How many steps a key moves the cursor; null where it moves nothing.
 *
 * @param {{ key: string, shiftKey: boolean }} event
 */
export const steps = ({ key, shiftKey }) => (Object.hasOwn(MOVES, key) && !shiftKey ? MOVES[key] : null);

/**
 * What is drawn over the chart, the strongest first: one that would hide a stronger one is left out.
 *
 * @template {{ x: number, score: number }} Mark
 * @param {Mark[]} marks `x` in pixels
 * @param {number} room in pixels that lie at least between two
 * @returns {Mark[]}
 */
export function thinned(marks, room) {
  /** @type {Map<number, number[]>} */
  const taken = new Map(); // by place, each as wide as the room: only neighbours need a look
  return [...marks].sort((a, b) => b.score - a.score).filter(({ x }) => {
    const place = Math.floor(x / room);
    const near = [place - 1, place, place + 1].flatMap((one) => taken.get(one) ?? []);
    if (near.some((other) => Math.abs(other - x) <= room)) return false;
    taken.set(place, [...(taken.get(place) ?? []), x]);
    return true;
  });
}

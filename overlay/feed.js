// The dashboard's list of reactions, as plain functions: bursts stay on top for a while, taps of some seconds are one line.

import { TAPS } from "./contract.js";

/** @import { Reaction } from "./contract.js" */
/** @import { Expression, Tap } from "./protocol.d.ts" */

/**
 * A line of the list. `id` stays while the line grows; `time` is the relay's, of its last reaction; `since` and `seen`
 * say when its first and last one came, in seconds of the page's steady clock.
 * @typedef {{ id: number, time: number, since: number, seen: number } & (
 *   { kind: "expression", name: Expression, count: number } | { kind: "tap", counts: Record<Tap, number> }
 * )} Line
 */

/**
 * Newest first. A list is never changed: each step makes another one.
 * @typedef {{ next: number, lines: readonly Line[] }} Feed
 */

const TOGETHER_S = 5; // taps that follow each other this closely are one line,
const LONGEST_LINE_S = 30; // which ends after so long, or a long applause would be one line of an hour
const PINNED_S = 90;
const MOST_PINNED = 4;
const KEPT = 60; // more than is ever shown, so that a flood of taps pushes no burst out

/** @type {Feed} */
export const EMPTY = { next: 1, lines: [] };

/**
 * The list with one more reaction in it.
 *
 * @param {Feed} feed
 * @param {Reaction} reaction
 * @param {number} now seconds of a steady clock
 * @returns {Feed}
 */
export function add({ next, lines }, reaction, now) {
  const { kind, name, count, time } = reaction;
  const open = kind === "tap" ? lines.findIndex((line) => line.kind === "tap" && isOpen(line, now)) : -1;
  const last = lines[open];
  if (kind === "tap" && last?.kind === "tap") {
    const counts = { ...last.counts, [name]: last.counts[name] + count };
    return { next, lines: [{ ...last, counts, time, seen: now }, ...lines.filter((_, index) => index !== open)] };
  }
  const begun = { id: next, time, since: now, seen: now };
  /** @type {Line} */
  const line = kind === "tap"
    ? { ...begun, kind, counts: { .../** @type {Record<Tap, number>} */ (Object.fromEntries(TAPS.map((tap) => [tap, 0]))), [name]: count } }
    : { ...begun, kind, name, count };
  return { next: next + 1, lines: kept([line, ...lines]) };
}

/**
 * @param {Line} line of taps
 * @param {number} now
 */
const isOpen = (line, now) => now - line.seen <= TOGETHER_S && now - line.since <= LONGEST_LINE_S;

/**
 * The newest lines; of too many, taps go first.
 *
 * @param {Line[]} lines
 */
function kept(lines) {
  if (lines.length <= KEPT) return lines;
  const taps = lines.map(({ kind }) => kind).lastIndexOf("tap");
  return lines.filter((_, index) => index !== (taps > 0 ? taps : lines.length - 1));
}

/**
 * What is shown: bursts of the last while on top, then the others, each group newest first.
 *
 * @param {Feed} feed
 * @param {number} now
 * @param {number} room lines
 * @returns {{ line: Line, pinned: boolean }[]}
 */
export function shown({ lines }, now, room) {
  const pinned = lines.filter((line) => line.kind === "expression" && now - line.since < PINNED_S).slice(0, MOST_PINNED);
  const others = lines.filter((line) => !pinned.includes(line));
  return [...pinned.map((line) => ({ line, pinned: true })), ...others.map((line) => ({ line, pinned: false }))].slice(0, room);
}

/**
 * The taps of a line that were made, most first.
 *
 * @param {Record<Tap, number>} counts
 */
export const tapsOf = (counts) => TAPS.filter((tap) => counts[tap] > 0).sort((a, b) => counts[b] - counts[a]);

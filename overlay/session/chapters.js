// What leaves the page of a session's moments: times, chapters, tables. Pure. obs_plugin/moodcast_clips.py writes the same
// beside a recording; a test holds the two together.

import { say } from "../texts.js";
import { timeCode } from "./times.js";

/** @import { Named } from "../contract.js" */

/**
 * One of the strongest moments, as the relay's JSON tells it.
 * @typedef {Named & { time: number, share: number, strength: number, score: number }} Peak
 */

const LEAST_CHAPTER_S = 10; // video sites take no shorter ones
export const LEAST_CHAPTERS = 3; // nor fewer

/**
 * What a moment is called.
 *
 * @param {string} name of an expression or a tap
 */
export const labelOf = (name) => say(`session.moment.${name}`);

/**
 * Lines to paste under a video that begins with the session.
 *
 * @param {Peak[]} peaks in any order
 * @param {number} start of the session
 */
export function chapters(peaks, start) {
  const lines = [`${timeCode(0)} ${say("session.start")}`]; // nor any that begin later
  let last = 0;
  for (const { time, name } of [...peaks].sort((a, b) => a.time - b.time)) {
    const seconds = Math.floor(time - start);
    if (seconds - last < LEAST_CHAPTER_S) continue;
    lines.push(`${timeCode(seconds)} ${labelOf(name)}`);
    last = seconds;
  }
  return lines;
}

/**
 * The moments as a table, one row each.
 *
 * @param {Peak[]} peaks
 * @param {number} start of the session
 */
export const table = (peaks, start) =>
  ["time,kind,name,share,rise,utc", ...peaks.map(({ time, kind, name, share, strength }) =>
    [`${timeCode(time - start)}.000`, kind, name, share.toFixed(3), strength.toFixed(3),
      new Date(1000 * time).toISOString()].join(","))].map((line) => `${line}\r\n`).join("");

/**
 * The moments of some names.
 *
 * @param {Peak[]} peaks
 * @param {ReadonlySet<string>} names empty for all
 */
export const filtered = (peaks, names) => (names.size ? peaks.filter(({ name }) => names.has(name)) : peaks);

/**
 * How many moments each name has, in the order of `names`; without those that have none.
 *
 * @param {Peak[]} peaks
 * @param {readonly string[]} names
 */
export const counted = (peaks, names) =>
  names.map((name) => ({ name, count: peaks.filter((peak) => peak.name === name).length })).filter(({ count }) => count);

// What the pages show of a mood, as plain functions on plain values.

import { EXPRESSIONS } from "./contract.js";

const NEUTRAL = EXPRESSIONS.indexOf("neutral");
const LEAD = 0.02; // a newcomer must be this much ahead, or two equals would flicker

const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/** @param {number} share 0 to 1 */
export const percent = (share) => `${Math.round(100 * share)} %`;

/**
 * What it takes before anything is shown, as in "people of five networks share".
 *
 * A relay that does not tell what it counts is an old one, and counts viewers. relay/common/condition.py and
 * obs_plugin/moodcast_core.py have the same; tests/conditions.json holds the three together.
 *
 * @param {{min_viewers: number, crowd?: string}} message a mood, or what a countdown has measured
 * @param {string} verb what the people do
 */
export function condition({ min_viewers: least, crowd }, verb = "share") {
  if (least === 1) return `somebody ${verb}s`;
  const number = NUMBERS[least] ?? String(least);
  return crowd === "networks" ? `people of ${number} networks ${verb}` : `${number} people ${verb}`;
}

/**
 * What is said in place of the audience while nothing of it is shown.
 *
 * @param {import("./protocol.d.ts").Mood} mood
 */
export const hiddenWords = (mood) => (mood.paused ? "Paused by the streamer" : `Shown once ${condition(mood)}`);

/**
 * Where the segments of the bar lie.
 *
 * @param {number[]} shares seven, 0 to 1
 * @param {number} width of the bar in pixels
 * @param {number} gap between two visible segments in pixels
 * @returns {{left: number, width: number}[]} seven; width 0 where the share is 0
 */
export function segments(shares, width, gap) {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const visible = shares.filter((share) => share > 0).length;
  const room = Math.max(0, width - gap * Math.max(0, visible - 1));
  let left = 0;
  return shares.map((share) => {
    const segment = { left, width: total > 0 ? (room * share) / total : 0 };
    if (share > 0) left += segment.width + gap;
    return segment;
  });
}

/**
 * The expression to name: the most frequent besides neutral, or neutral when there is no other.
 *
 * @param {number[]} shares seven, 0 to 1
 * @param {number} current index of the one named now, -1 if none
 */
export function leader(shares, current = -1) {
  let best = -1;
  shares.forEach((share, index) => {
    if (index !== NEUTRAL && share > 0 && (best < 0 || share > shares[best])) best = index;
  });
  if (best < 0) return NEUTRAL;
  const stays = current >= 0 && current !== NEUTRAL && shares[current] > 0 && shares[best] - shares[current] < LEAD;
  return stays ? current : best;
}

/**
 * @param {number} value
 * @param {[number, string][]} limits words for what is below each limit, in their order
 * @param {string} beyond words for all others
 */
const worded = (value, limits, beyond) => limits.find(([limit]) => value < limit)?.[1] ?? beyond;

/** @param {number} valence -1 to 1; in plain words */
export const valenceWords = (valence) =>
  worded(valence, [[-0.5, "very negative"], [-0.15, "rather negative"], [0.15, "balanced"], [0.5, "rather positive"]],
    "very positive");

/** @param {number} trend valence now minus its recent mean, -2 to 2; in plain words */
export const trendWords = (trend) =>
  worded(trend, [[-0.15, "falling fast"], [-0.04, "falling"], [0.04, "steady"], [0.15, "rising"]], "rising fast");

/** @param {number} resonance 0 to 1; in plain words */
export const resonanceWords = (resonance) =>
  worded(resonance, [[0.1, "everyone for themselves"], [0.3, "some agree"], [0.6, "many agree"]], "nearly all as one");

/**
 * What an error says.
 *
 * @param {unknown} error
 */
export const said = (error) => (error instanceof Error ? error.message : String(error));

/** @param {number} seconds 3725 is "1:02:05" */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

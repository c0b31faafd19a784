// What the pages show of a mood, as plain functions on plain values.

import { EXPRESSIONS } from "./contract.js";
import { say, spoken } from "./texts.js";

const NEUTRAL = EXPRESSIONS.indexOf("neutral");
const LEAD = 0.02; // a newcomer must be this much ahead, or two equals would flicker

const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/** @param {number} share 0 to 1 */
export const percent = (share) => say("common.percent", { number: Math.round(100 * share) });

/**
 * How a person says that somebody shows an expression, as in "62 % happy".
 *
 * @param {import("./protocol.d.ts").Expression} name
 */
export const wordOf = (name) => say(`common.expression.${name}`);

/**
 * What viewers did who tapped, as in "62 % laughed".
 *
 * @param {import("./protocol.d.ts").Tap} name
 */
export const deedOf = (name) => say(`common.deed.${name}`);

/** @param {import("./protocol.d.ts").Tap} name */
export const tapOf = (name) => say(`common.tap.${name}`);

/**
 * "62 % happy"
 *
 * @param {number} share 0 to 1
 * @param {string} what a word, or a deed
 */
export const shareOf = (share, what) => say("common.share", { percent: percent(share), word: what });

/**
 * What it takes before anything is shown, as in "Shown once people of five networks share".
 *
 * A relay that does not tell what it counts is an old one, and counts viewers. relay/common/condition.py and
 * obs_plugin/moodcast_core.py have the same in English; tests/conditions.json holds the three together.
 *
 * @param {"common.shown_once" | "common.delay_once"} what is told
 * @param {{min_viewers: number, crowd?: string}} message a mood, or what a countdown has measured
 */
export function condition(what, { min_viewers: least, crowd }) {
  const counted = crowd === "networks" ? "networks" : "viewers";
  const number = (spoken() === "en" && NUMBERS[least]) || least;
  return say(`${what}.${least === 1 ? "one" : counted}`, { count: least, number });
}

/**
 * What is said in place of the audience while nothing of it is shown.
 *
 * @param {import("./protocol.d.ts").Mood} mood
 */
export function hiddenWords(mood) {
  if (mood.paused) return say("common.paused");
  return mood.cameras === false ? say("common.taps_only") : condition("common.shown_once", mood);
}

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

const FACE_ROOM = 1; // a face has its full size where its segment is so many times wider than the bar is high
const LEAST_FACE = 0.5; // of its full size; in a narrower segment it would be a blot, so there is a dot
const DOT = 0.34; // a dot's size
const DISC = 0.92; // what a face of full size takes of the bar's height, with its ring

/**
 * What marks each segment of the bar: a face of the size that fits, or a dot on a sliver. None hides another: where
 * slivers lie side by side, their dots do so too, as near to them as may be.
 *
 * @param {{left: number, width: number}[]} parts the segments
 * @param {number} width of the bar in pixels
 * @param {number} height of the bar in pixels
 * @returns {{middle: number, size: number, dot: boolean}[]} its middle in pixels, its size (1 is a full face's, 0 none)
 */
export function marks(parts, width, height) {
  const found = parts.map((part) => {
    const room = Math.min(1, part.width / (FACE_ROOM * height));
    const dot = part.width > 0 && room < LEAST_FACE;
    return { middle: part.left + part.width / 2, size: dot ? DOT : room, dot };
  });
  const seen = found.filter(({ size }) => size > 0);
  const half = (/** @type {{size: number}} */ { size }) => (DISC * size * height) / 2;
  const edge = ((1 - DISC) * height) / 2;
  let from = edge;
  for (const mark of seen) {
    mark.middle = Math.max(mark.middle, from + half(mark));
    from = mark.middle + half(mark);
  }
  let to = width - edge;
  for (const mark of seen.reverse()) {
    mark.middle = Math.min(mark.middle, to - half(mark));
    to = mark.middle - half(mark);
  }
  return found;
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
 * @param {[number, string][]} limits the name of what is below each limit, in their order
 * @param {string} beyond that of all others
 */
const worded = (value, limits, beyond) => limits.find(([limit]) => value < limit)?.[1] ?? beyond;

/** @param {number} valence -1 to 1; in plain words */
export const valenceWords = (valence) => say(`common.valence.${worded(valence,
  [[-0.5, "very_negative"], [-0.15, "rather_negative"], [0.15, "balanced"], [0.5, "rather_positive"]], "very_positive")}`);

/** @param {number} trend valence now minus its recent mean, -2 to 2; in plain words */
export const trendWords = (trend) => say(`common.trend.${worded(trend,
  [[-0.15, "falling_fast"], [-0.04, "falling"], [0.04, "steady"], [0.15, "rising"]], "rising_fast")}`);

/** @param {number} resonance 0 to 1; in plain words */
export const resonanceWords = (resonance) => say(`common.resonance.${worded(resonance,
  [[0.1, "own"], [0.3, "some"], [0.6, "many"]], "all")}`);

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

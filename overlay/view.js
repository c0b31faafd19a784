// What the panel shows, as plain values: of a mood, and of what was shown before it.

import { EXPRESSIONS } from "./contract.js";
import { hiddenWords, leader, shareOf, wordOf } from "./figures.js";
import { say, spoken } from "./texts.js";

/** @import { Options } from "./options.js" */
/** @import { Expression, Mood } from "./protocol.d.ts" */

const TURNS = 0.08; // a trend so strong is told
const TURNED = 0.03; // and is told no more when it is so weak: in between it would come and go
const PLAIN = 10_000; // larger numbers are told in thousands: nobody reads seven digits in passing

/**
 * @typedef {object} View
 * @property {"live" | "waiting" | "resting" | "connecting"} state
 * @property {Expression} face the leading expression; neutral while nothing is shown
 * @property {number} share of those who show it, 0 to 1
 * @property {string} words
 * @property {string} sharing how many share; empty while nothing is shown, or where that is switched off
 * @property {-1 | 0 | 1} trend
 * @property {number} resonance 0 to 1
 * @property {number[] | null} shares seven, 0 to 1; null while nothing is shown
 */

/**
 * The side at which the panel lies; `edge` is the other half of the position.
 *
 * @param {Pick<Options, "layout" | "position">} options
 */
export function placed({ layout, position }) {
  const [edge, side] = position.split("-");
  const usual = layout === "bar" || layout === "wave" ? "center" : "right";
  return { edge, side: side ?? usual };
}

/**
 * @param {number} trend as in a mood
 * @param {number} before -1, 0 or 1, as told now
 * @returns {-1 | 0 | 1}
 */
export function turn(trend, before) {
  const least = Math.sign(trend) === before ? TURNED : TURNS;
  return Math.abs(trend) < least ? 0 : trend > 0 ? 1 : -1;
}

/** @param {number} count of people; 1234 is "1234", 12345 is "12.3K" in English */
export const many = (count) => (count < PLAIN ? String(count)
  : new Intl.NumberFormat(spoken(), { notation: "compact", maximumSignificantDigits: 3 }).format(count));

/** @param {Pick<Mood, "sharing" | "viewers">} mood */
const coverage = ({ sharing, viewers }) =>
  say("overlay.sharing", { count: sharing, sharing: many(sharing), viewers: many(viewers) });

/**
 * Nothing is known or told of the audience: the faces rest.
 *
 * @param {View["state"]} state
 * @param {string} words
 * @returns {View}
 */
export const atRest = (state, words) =>
  ({ state, face: "neutral", share: 0, words, sharing: "", trend: 0, resonance: 0, shares: null });

/**
 * @param {Mood} mood
 * @param {View | null} before what is shown now
 * @param {Pick<Options, "coverage" | "trend">} options
 * @returns {View}
 */
export function viewOf(mood, before, options) {
  if (!mood.visible) return atRest("waiting", hiddenWords(mood));
  const was = before?.shares ? EXPRESSIONS.indexOf(before.face) : -1;
  const index = leader(mood.shares, was);
  const face = EXPRESSIONS[index];
  const share = mood.shares[index];
  return {
    state: "live", face, share, shares: mood.shares, resonance: mood.resonance,
    words: shareOf(share, wordOf(face)),
    sharing: options.coverage === "on" ? coverage(mood) : "",
    trend: options.trend === "on" ? turn(mood.trend, before?.trend ?? 0) : 0,
  };
}

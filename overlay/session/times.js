// How the chart and the moments tell a time. Pure.

import { clock } from "../figures.js";
import { say } from "../texts.js";

/** @import { Range } from "./zoom.js" */

/**
 * Since the session began, as a clock or in seconds; or the time of day.
 * @typedef {"stream" | "seconds" | "clock"} Times
 */

const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800];
const DECIMAL_TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** @param {number} value @param {number} [digits] */
const padded = (value, digits = 2) => String(value).padStart(digits, "0");

/**
 * Seconds as a video player and a list of chapters have them: 754.9 is "00:12:34".
 *
 * @param {number} seconds
 */
export function timeCode(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((part) => padded(part)).join(":");
}

/**
 * @param {number} time Unix time
 * @param {Times} kind
 * @param {number} start of the session, as Unix time
 * @param {boolean} [exact] with the seconds, also where a clock is full
 */
export function told(time, kind, start, exact = true) {
  if (kind === "seconds") return say("session.seconds", { number: Math.floor(time - start).toLocaleString() });
  if (kind === "stream") return clock(Math.floor(time - start));
  const second = exact ? /** @type {const} */ ("2-digit") : undefined;
  return new Date(1000 * time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second });
}

/**
 * Round times for the axis, at most `most`.
 *
 * @param {Range} range
 * @param {Times} kind
 * @param {number} start of the session
 * @param {number} most
 * @returns {{ time: number, label: string }[]}
 */
export function ticks({ from, to }, kind, start, most) {
  const steps = kind === "seconds" ? DECIMAL_TICKS : TICKS;
  const step = steps.find((one) => (to - from) / one <= most) ?? Math.ceil((to - from) / most);
  // Full hours of the day lie where the time zone has them.
  const zero = kind === "clock" ? 60 * new Date(1000 * from).getTimezoneOffset() : start;
  const found = [];
  for (let time = zero + Math.ceil((from - zero) / step) * step; time <= to; time += step) {
    found.push({ time, label: told(time, kind, start, step % 60 !== 0) });
  }
  return found;
}

// Where on the chart what is: panels one above the other, that share the axis of time. Pure.

/** @import { Measure, Bucket } from "./buckets.js" */
/** @import { Range } from "./zoom.js" */

/**
 * A part of the chart with an own scale.
 * @typedef {{ left: number, top: number, width: number, height: number, low: number, high: number }} Panel
 */

/** Room around the panels, in CSS pixels: on top for the moments, below for the times. */
export const MARGIN = { top: 40, right: 14, bottom: 30, left: 50 };
const STRIP = 72;
const BETWEEN = 26;
const MAIN = 300;

/**
 * How high a chart is.
 *
 * @param {number} strips how many lie under its main panel
 */
export const heightOf = (strips) => MARGIN.top + MAIN + strips * (STRIP + BETWEEN) + MARGIN.bottom;

/**
 * The main panel and the strips under it.
 *
 * @param {number} width of all
 * @param {number} height
 * @param {{ low: number, high: number }[]} scales the main one's first
 * @returns {Panel[]}
 */
export function panels(width, height, scales) {
  const strips = scales.length - 1;
  const main = height - MARGIN.top - MARGIN.bottom - strips * (STRIP + BETWEEN);
  const across = { left: MARGIN.left, width: Math.max(1, width - MARGIN.left - MARGIN.right) };
  return scales.map((scale, index) => ({
    ...across, ...scale,
    top: index ? MARGIN.top + main + BETWEEN + (index - 1) * (STRIP + BETWEEN) : MARGIN.top,
    height: index ? STRIP : main,
  }));
}

/**
 * @param {Panel} panel
 * @param {Range} range
 * @param {number} time
 */
export const xOf = ({ left, width }, { from, to }, time) => left + (width * (time - from)) / (to - from);

/**
 * @param {Panel} panel
 * @param {number} value
 */
export const yOf = ({ top, height, low, high }, value) => top + height * (1 - (value - low) / (high - low));

/**
 * The time under a pixel, also outside of the panel.
 *
 * @param {Panel} panel
 * @param {Range} range
 * @param {number} x
 */
export const timeAt = ({ left, width }, { from, to }, x) => from + ((x - left) / width) * (to - from);

const ROUND = [1, 2, 2.5, 5, 10];

/**
 * The least round number that is not below the value, which is positive.
 *
 * @param {number} value
 */
export function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * Number(ROUND.find((one) => one * unit >= value * (1 - 1e-9)));
}

/**
 * How far up the main panel goes: to the most that is drawn, rounded.
 *
 * @param {Bucket[][]} runs
 * @param {readonly number[]} channels that are drawn
 * @param {Measure} measure
 * @param {"lines" | "stack" | "means"} kind of drawing
 */
export function topOf(runs, channels, measure, kind) {
  if (measure === "share" && kind === "stack") return 1;
  let most = 0;
  for (const { high, mean } of runs.flat()) {
    const reach = kind === "stack"
      ? channels.reduce((sum, channel) => sum + mean[channel], 0)
      : Math.max(0, ...channels.map((channel) => (kind === "lines" ? high : mean)[channel]));
    if (reach > most) most = reach;
  }
  const top = roundUp(Math.max(most, measure === "share" ? 0.05 : 1));
  return measure === "share" ? Math.min(1, top) : Math.max(top, 4);
}

/**
 * Round values for a scale from zero up: whole percents, or whole viewers.
 *
 * @param {number} top
 * @param {Measure} measure
 */
export function levels(top, measure) {
  const parts = Number.isInteger((measure === "share" ? 100 * top : top) / 4) ? 4 : 5;
  return Array.from({ length: parts + 1 }, (_, index) => (top * index) / parts);
}

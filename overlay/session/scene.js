// What the chart shows of a session, as it is set: figured out for a size, and drawn on any canvas.

import { EXPRESSIONS } from "../contract.js";
import { percent, wordOf } from "../figures.js";
import { say } from "../texts.js";
import { CHANNELS, RESONANCE, VALENCE, bucketed, stepFor } from "./buckets.js";
import { paired } from "./compare.js";
import { levels, panels, roundUp, topOf } from "./panels.js";
import { ticks } from "./times.js";

/** @import { History } from "../history.js" */
/** @import { Bucket, Measure } from "./buckets.js" */
/** @import { Pair } from "./compare.js" */
/** @import { Colours, Painter } from "./painter.js" */
/** @import { Panel } from "./panels.js" */
/** @import { Times } from "./times.js" */
/** @import { Range } from "./zoom.js" */

/**
 * How the chart is set. `off` are the channels that are not drawn; `against` is another session, moved to the start of
 * this one, and the channel in which the two are compared.
 * @typedef {{ stacked: boolean, measure: Measure, unit: number, times: Times, off: Set<number>,
 *   against: { history: History, channel: number } | null }} Look
 */

/** @returns {Look} */
export const plainLook = () =>
  ({ stacked: false, measure: "share", unit: 0, times: "stream", off: new Set([VALENCE, RESONANCE]), against: null });

/** @typedef {"main" | "valence" | "resonance" | "difference"} Shown */

/**
 * @typedef {{ look: Look, range: Range, start: number, step: number, runs: Bucket[][], others: Bucket[][],
 *   pairs: Pair[], panels: Panel[], shown: Shown[], times: { time: number, label: string }[] }} Scene
 */

const PIXELS_A_TIME = 84;
const BRIGHT = 0.22; // luminance from which a colour is too pale for a line on a light ground
const INK = 0.72; // what is left of it

/**
 * @param {Pick<Look, "measure">} look
 * @param {number} channel
 * @param {number} value
 */
export function valueWords({ measure }, channel, value) {
  if (channel === VALENCE) return `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value).toFixed(2)}`;
  return channel < VALENCE && measure === "viewers" ? String(Math.round(value)) : percent(value);
}

/**
 * What a channel is called.
 *
 * @param {number} channel
 */
export const channelWord = (channel) =>
  channel < VALENCE ? wordOf(EXPRESSIONS[channel]) : say(channel === VALENCE ? "session.valence" : "session.resonance");

/**
 * Which panels there are, the main one first.
 *
 * @param {Look} look
 * @returns {Shown[]}
 */
export function shownIn({ off, against }) {
  if (against) return ["main", "difference"];
  return /** @type {Shown[]} */ (["main", ...(off.has(VALENCE) ? [] : ["valence"]), ...(off.has(RESONANCE) ? [] : ["resonance"])]);
}

/**
 * The channels of the main panel.
 *
 * @param {Look} look
 */
export const drawnIn = ({ off, against }) =>
  against ? [against.channel] : EXPRESSIONS.map((_, index) => index).filter((index) => !off.has(index));

/**
 * @param {Pick<History, "moments">} history
 * @param {Look} look
 * @param {Range} range
 * @param {number} start of the session
 * @param {{ width: number, height: number }} size in CSS pixels
 * @returns {Scene}
 */
export function sceneOf({ moments }, look, range, start, { width, height }) {
  const plot = panels(width, height, [{ low: 0, high: 1 }])[0].width;
  const step = stepFor(look.unit, range.to - range.from, plot);
  const cut = (/** @type {import("../history.js").Moment[]} */ list) => bucketed(list, range, step, start, look.measure);
  const runs = cut(moments);
  const others = look.against ? cut(look.against.history.moments) : [];
  const pairs = look.against ? paired(runs, others, look.against.channel, start) : [];
  const shown = shownIn(look);
  const drawn = drawnIn(look);
  const signed = drawn[0] === VALENCE;
  const kind = look.against ? "means" : look.stacked ? "stack" : "lines";
  const top = signed || drawn[0] === RESONANCE ? 1 : topOf([...runs, ...others], drawn, look.measure, kind);
  const apart = pairs.reduce((most, { one, other }) => Math.max(most, Math.abs((one ?? 0) - (other ?? one ?? 0))), 0.02);
  const scales = {
    main: { low: signed ? -1 : 0, high: top },
    valence: { low: -1, high: 1 },
    resonance: { low: 0, high: 1 },
    difference: { low: -roundUp(apart), high: roundUp(apart) },
  };
  return {
    look, range, start, step, runs, others, pairs, shown,
    panels: panels(width, height, shown.map((name) => scales[name])),
    times: ticks(range, look.times, start, plot / PIXELS_A_TIME),
  };
}

/**
 * @param {Painter} painter
 * @param {Scene} scene
 */
export function paintScene(painter, { look, start, step, runs, others, pairs, panels: all, shown, times }) {
  shown.forEach((name, index) => {
    const panel = all[index];
    const channel = name === "valence" ? VALENCE : name === "resonance" ? RESONANCE : drawnIn(look)[0];
    const marks = name === "main" && panel.low === 0 ? levels(panel.high, look.measure) : [panel.low, (panel.low + panel.high) / 2, panel.high];
    const sign = name === "difference" ? (/** @type {number} */ value) => (value > 0 ? "+" : "") : () => "";
    painter.scale(panel, marks.map((value) => ({
      value, label: `${sign(value)}${valueWords(look, channel, value).replace("-", "−")}`,
    })), name === "main" ? "" : say(`session.${name}`));
    if (name === "difference") painter.differences(panel, pairs, channel, start, step);
    else if (name !== "main") painter.filled(panel, runs, channel);
    else if (look.against) painter.both(panel, runs, others, channel);
    else if (look.stacked) painter.stack(panel, runs, drawnIn(look));
    else painter.lines(panel, runs, drawnIn(look));
  });
  painter.times(all[all.length - 1], times);
}

/**
 * A colour that lines on a light ground can have: a yellow is hardly seen there.
 *
 * @param {string} colour as #rrggbb
 * @param {boolean} light whether the ground is
 */
export function inked(colour, light) {
  if (!light || !/^#[0-9a-f]{6}$/i.test(colour)) return colour;
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const luminance = [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => sum + weight * (parts[index] / 255) ** 2.2, 0);
  if (luminance < BRIGHT) return colour;
  return `#${parts.map((part) => Math.round(INK * part).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The page's colours, as they are now.
 *
 * @param {Element} element
 * @returns {Colours}
 */
export function coloursOf(element) {
  const style = getComputedStyle(element);
  const named = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const light = document.documentElement.dataset.scheme === "light";
  const channels = EXPRESSIONS.map((name) => inked(named(`--moodcast-${name}`), light));
  channels.push(style.color, named("--good"));
  if (channels.length !== CHANNELS) throw new Error("Each channel needs a colour.");
  return {
    text: style.color, muted: named("--muted"), grid: named("--grid"), ground: named("--card"),
    mark: named("--link"), channels,
  };
}

// What is told of the second under the cursor.

import { EXPRESSIONS } from "../contract.js";
import { make, picture } from "../dom.js";
import { clock, percent, shareOf, wordOf } from "../figures.js";
import { say } from "../texts.js";
import { RESONANCE, VALENCE, bucketed, means, nearest, valuesOf } from "./buckets.js";
import { labelOf } from "./chapters.js";
import { drawnIn, valueWords } from "./scene.js";
import { told } from "./times.js";

/** @import { History, Moment } from "../history.js" */
/** @import { Peak } from "./chapters.js" */
/** @import { Scene } from "./scene.js" */

const FEWEST = 0.005; // a share that is told
const NEAR = 6; // pixels from the cursor within which a marker's text is told

/** @typedef {{ lines: HTMLElement[], values: number[] }} Reading */

/** @param {string} className @param {string} textContent */
const row = (className, textContent) => make("div", { className, textContent });

/**
 * @param {string} name of an expression or a tap
 * @param {string} words
 * @param {string} figure
 * @param {string} [className]
 */
function pictured(name, words, figure, className = "tooltip-line") {
  const line = row(className, "");
  line.append(picture(name), row("", words), row("tooltip-share", figure));
  return line;
}

/**
 * The lines of the tooltip, and what each channel has.
 *
 * @param {Scene} scene
 * @param {History} history
 * @param {Peak[]} peaks
 * @param {number} at
 * @returns {Reading}
 */
export function readingLines(scene, history, peaks, at) {
  const { look, range, start, panels: [panel] } = scene;
  const peak = peaks.find(({ time }) => Math.abs(time - at) < 1);
  const moment = nearest(history.moments, at);
  const found = moment && Math.abs(moment.time - at) < 1 ? moment : null; // else nothing was stored there
  const near = (NEAR * (range.to - range.from)) / panel.width;
  const markers = history.markers.filter(({ time }) => Math.abs(time - at) <= near)
    .map(({ text }) => row("tooltip-marker", text));
  const stands = peak ? [pictured(peak.name, labelOf(peak.name), percent(peak.share), "tooltip-line tooltip-peak")] : [];
  if (look.against) return against(scene, look.against.history.moments, found, at, [...stands, ...markers]);
  if (look.unit > 1 && !peak) return mean(scene, history, at, markers);
  const other = look.times === "clock" ? "stream" : "clock";
  const lines = [row("tooltip-time", `${told(at, look.times, start)} · ${told(at, other, start)}`)];
  lines.push(...stands, ...markers);
  if (!found) return { lines: [...lines, row("tooltip-count", say("session.nothing_stored"))], values: [] };
  const shares = valuesOf(found, "share");
  if (peak?.kind === "expression") shares[EXPRESSIONS.indexOf(peak.name)] = peak.share; // one figure, not one and its rounding
  lines.push(row("tooltip-count", say("session.sharing", { sharing: found.sharing, count: found.viewers })),
    ...expressions(shares, found.counts), ...measures(shares));
  return { lines, values: look.measure === "share" ? shares : valuesOf(found, look.measure) };
}

/** @param {number[]} shares @param {number[]} counts */
const expressions = (shares, counts) =>
  EXPRESSIONS.map((name, index) => ({ name, share: shares[index], count: counts[index] }))
    .filter(({ share }) => share >= FEWEST)
    .sort((a, b) => b.share - a.share)
    .map(({ name, share, count }) => pictured(name, wordOf(name), `${percent(share)} (${Math.round(count)})`));

/** @param {number[]} values */
const measures = (values) => [
  row("tooltip-count", say("session.figures", {
    valence: valueWords({ measure: "share" }, VALENCE, values[VALENCE]), resonance: percent(values[RESONANCE]),
  })),
];

/**
 * Of the unit of time that was chosen, as it is drawn.
 *
 * @param {Scene} scene
 * @param {History} history
 * @param {number} at
 * @param {HTMLElement[]} markers
 * @returns {Reading}
 */
function mean({ look, start, step }, history, at, markers) {
  const from = start + Math.floor((at - start) / step) * step;
  const only = history.moments.filter(({ time }) => time >= from && time < from + step);
  const within = { from, to: from + step - 1 };
  const [shares, counts] = /** @type {const} */ (["share", "viewers"]).map((measure) =>
    means(bucketed(only, within, step, start, measure)));
  const head = row("tooltip-time", `${told(from, look.times, start)} – ${told(from + step, look.times, start)}`);
  if (!only.length) return { lines: [head, ...markers, row("tooltip-count", say("session.nothing_stored"))], values: [] };
  return {
    lines: [head, row("tooltip-count", say("session.mean", { count: only.length })), ...markers, ...expressions(shares, counts), ...measures(shares)],
    values: look.measure === "share" ? shares : counts,
  };
}

/**
 * Of two sessions.
 *
 * @param {Scene} scene
 * @param {Moment[]} others
 * @param {Moment | null} found
 * @param {number} at
 * @param {HTMLElement[]} events that happened then
 * @returns {Reading}
 */
function against({ look, start }, others, found, at, events) {
  const channel = drawnIn(look)[0];
  const beside = nearest(others, at);
  const pair = [found, beside && Math.abs(beside.time - at) < 1 ? beside : null].map((one) =>
    one && valuesOf(one, look.measure)[channel]);
  const words = pair.map((value) => (value === null ? "–" : valueWords(look, channel, value)));
  const lines = [row("tooltip-time", say("session.after_start", { time: told(at, "stream", start) })), ...events];
  for (const [index, name] of [say("session.this"), say("session.other")].entries()) {
    const line = row("tooltip-line", "");
    line.append(make("i", { className: index ? "key key-other" : "key key-one" }), row("", name), row("tooltip-share", words[index]));
    lines.push(line);
  }
  return { lines, values: [] };
}

/**
 * What the chart shows, for who can't see it.
 *
 * @param {Scene} scene
 */
export function summary({ runs, range }) {
  if (!runs.length) return say("session.empty");
  const shares = means(runs);
  const most = EXPRESSIONS.map((name, index) => ({ name, share: shares[index] }));
  most.sort((a, b) => b.share - a.share);
  const parts = most.slice(0, 3).filter(({ share }) => share >= FEWEST).map(({ share, name }) => shareOf(share, wordOf(name)));
  return say("session.summary", { time: clock(range.to - range.from), shares: parts.join(say("common.and")) });
}

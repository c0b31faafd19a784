// The chart's drawing, on any canvas: the page's, or that of a picture to save.

import { EXPRESSIONS } from "../contract.js";
import { xOf, yOf } from "./panels.js";

/** @import { Bucket } from "./buckets.js" */
/** @import { Pair } from "./compare.js" */
/** @import { Panel } from "./panels.js" */
/** @import { Range } from "./zoom.js" */

/** Colours as the page has them just now. */
/** @typedef {{ text: string, muted: string, grid: string, ground: string, mark: string, channels: string[] }} Colours */

/** @typedef {{ value: number, label: string }} Level */

const WIDTH = 1.75; // of a line
const BAND = 0.32; // opacity of what lies between the least and the most of a bucket
const QUIET_BAND = 0.14; // ... of neutral, from which all others rise
const FONT = '12px "Inter", "Segoe UI", "SF Pro Text", "Helvetica Neue", "Noto Sans", Arial, sans-serif';

export class Painter {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Range} range
   * @param {number} step of the buckets
   * @param {Colours} colours
   */
  constructor(context, range, step, colours) {
    this.context = context;
    this.range = range;
    this.middle = (step - 1) / 2; // a bucket of one second lies where that second does
    this.colours = colours;
  }

  /**
   * An empty canvas.
   *
   * @param {number} width in CSS pixels
   * @param {number} height
   * @param {number} ratio of its pixels to one of those
   */
  clear(width, height, ratio) {
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, width, height);
    this.context.font = FONT;
    this.context.lineJoin = "round";
  }

  /**
   * The lines of the scale with their numbers, and what the panel shows.
   *
   * @param {Panel} panel
   * @param {Level[]} scale
   * @param {string} [title]
   */
  scale(panel, scale, title = "") {
    const { context, colours } = this;
    context.strokeStyle = colours.grid;
    context.lineWidth = 1;
    context.fillStyle = colours.muted;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const { value, label } of scale) {
      const y = Math.round(yOf(panel, value)) + 0.5;
      this.#line(panel.left, y, panel.left + panel.width, y);
      context.fillText(label, panel.left - 8, y);
    }
    context.textAlign = "left";
    context.fillText(title, panel.left, panel.top - 9);
  }

  /**
   * @param {Panel} lowest under which they stand
   * @param {{ time: number, label: string }[]} times
   */
  times(lowest, times) {
    const { context, colours } = this;
    const bottom = lowest.top + lowest.height;
    context.fillStyle = colours.muted;
    context.strokeStyle = colours.muted;
    context.textAlign = "center";
    context.lineWidth = 1;
    for (const { time, label } of times) {
      const x = Math.round(xOf(lowest, this.range, time)) + 0.5;
      this.#line(x, bottom, x, bottom + 4);
      const half = context.measureText(label).width / 2;
      const right = lowest.left + lowest.width;
      context.fillText(label, Math.min(Math.max(x, lowest.left - 40 + half), right + 12 - half), bottom + 16);
    }
  }

  /**
   * A line for each channel, around it a band from the least to the most of each bucket.
   *
   * @param {Panel} panel
   * @param {Bucket[][]} runs
   * @param {readonly number[]} channels
   */
  lines(panel, runs, channels) {
    this.#inside(panel, () => {
      for (const channel of [...channels].reverse()) {
        this.context.fillStyle = this.colours.channels[channel];
        this.context.globalAlpha = EXPRESSIONS[channel] === "neutral" ? QUIET_BAND : BAND;
        for (const run of runs) this.#band(panel, run, ({ low }) => low[channel], ({ high }) => high[channel]);
        this.context.globalAlpha = 1;
        for (const run of runs) this.#path(panel, run, channel, EXPRESSIONS[channel] === "neutral" ? [5, 3] : []);
      }
    });
  }

  /**
   * The channels as areas, one on the other.
   *
   * @param {Panel} panel
   * @param {Bucket[][]} runs
   * @param {readonly number[]} channels the first lies on top, as the bar reads from left to right
   */
  stack(panel, runs, channels) {
    this.#inside(panel, () => {
      for (const run of runs) {
        const base = run.map(() => 0);
        for (const channel of [...channels].reverse()) {
          const low = [...base];
          run.forEach(({ mean }, index) => (base[index] += mean[channel]));
          this.context.fillStyle = this.colours.channels[channel];
          this.context.globalAlpha = EXPRESSIONS[channel] === "neutral" ? 0.45 : 0.9;
          this.#band(panel, run, (_, index) => low[index], (_, index) => base[index]);
        }
      }
      this.context.globalAlpha = 1;
    });
  }

  /**
   * One channel over its zero, filled.
   *
   * @param {Panel} panel
   * @param {Bucket[][]} runs
   * @param {number} channel
   */
  filled(panel, runs, channel) {
    this.#inside(panel, () => {
      this.context.fillStyle = this.colours.channels[channel];
      this.context.globalAlpha = BAND;
      for (const run of runs) this.#band(panel, run, () => 0, ({ mean }) => mean[channel]);
      this.context.globalAlpha = 1;
      for (const run of runs) this.#path(panel, run, channel, []);
    });
  }

  /**
   * One channel of two sessions.
   *
   * @param {Panel} panel
   * @param {Bucket[][]} one
   * @param {Bucket[][]} other
   * @param {number} channel
   */
  both(panel, one, other, channel) {
    this.#inside(panel, () => {
      for (const run of other) this.#path(panel, run, channel, [4, 4], this.colours.text);
      for (const run of one) this.#path(panel, run, channel, [], this.colours.channels[channel], 1.5 * WIDTH);
    });
  }

  /**
   * By how much the one session has more than the other: above the line in the channel's colour, below it in grey.
   *
   * @param {Panel} panel
   * @param {Pair[]} pairs
   * @param {number} channel
   * @param {number} start
   * @param {number} step
   */
  differences(panel, pairs, channel, start, step) {
    this.#inside(panel, () => {
      const zero = yOf(panel, 0);
      for (const { offset, one, other } of pairs) {
        if (one === null || other === null) continue;
        const more = one - other;
        const x = xOf(panel, this.range, start + offset + this.middle - step / 2);
        const next = xOf(panel, this.range, start + offset + this.middle + step / 2);
        this.context.fillStyle = more >= 0 ? this.colours.channels[channel] : this.colours.muted;
        this.context.fillRect(x, Math.min(zero, yOf(panel, more)), next - x, Math.abs(yOf(panel, more) - zero));
      }
    });
  }

  /**
   * A line through all panels.
   *
   * @param {Panel[]} all
   * @param {number} time
   * @param {string} colour
   * @param {number[]} [dash]
   */
  upright(all, time, colour, dash = []) {
    const [first, last] = [all[0], all[all.length - 1]];
    const x = Math.round(xOf(first, this.range, time)) + 0.5;
    this.context.strokeStyle = colour;
    this.context.lineWidth = 1.5;
    this.context.setLineDash(dash);
    this.#line(x, first.top, x, last.top + last.height);
    this.context.setLineDash([]);
  }

  /**
   * Where the cursor meets what is drawn.
   *
   * @param {Panel} panel
   * @param {number} time
   * @param {number} value
   * @param {string} colour
   */
  dot(panel, time, value, colour) {
    const { context } = this;
    context.beginPath();
    context.arc(xOf(panel, this.range, time), yOf(panel, value), 4, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.strokeStyle = this.colours.ground;
    context.lineWidth = 1.5;
    context.fill();
    context.stroke();
  }

  /**
   * @param {Panel} panel nothing is drawn outside of it
   * @param {() => void} draw
   */
  #inside({ left, top, width, height }, draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(left, top - 2, width, height + 4);
    this.context.clip();
    draw();
    this.context.restore();
  }

  /** @param {number} x @param {number} y @param {number} toX @param {number} toY */
  #line(x, y, toX, toY) {
    this.context.beginPath();
    this.context.moveTo(x, y);
    this.context.lineTo(toX, toY);
    this.context.stroke();
  }

  /**
   * @param {Panel} panel
   * @param {Bucket[]} run
   * @param {number} channel
   * @param {number[]} dash
   * @param {string} [colour]
   * @param {number} [width]
   */
  #path(panel, run, channel, dash, colour = this.colours.channels[channel], width = WIDTH) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.beginPath();
    for (const { from, mean } of run) context.lineTo(xOf(panel, this.range, from + this.middle), yOf(panel, mean[channel]));
    if (run.length === 1) context.lineTo(xOf(panel, this.range, run[0].to), yOf(panel, run[0].mean[channel]));
    context.stroke();
    context.setLineDash([]);
  }

  /**
   * @param {Panel} panel
   * @param {Bucket[]} run
   * @param {(bucket: Bucket, index: number) => number} low
   * @param {(bucket: Bucket, index: number) => number} high
   */
  #band(panel, run, low, high) {
    const { context } = this;
    context.beginPath();
    run.forEach((bucket, index) =>
      context.lineTo(xOf(panel, this.range, bucket.from + this.middle), yOf(panel, high(bucket, index))));
    for (let index = run.length - 1; index >= 0; index--) {
      context.lineTo(xOf(panel, this.range, run[index].from + this.middle), yOf(panel, low(run[index], index)));
    }
    context.fill();
  }
}

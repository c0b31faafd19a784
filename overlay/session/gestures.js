// What pointers do on the chart: a mouse drags over a part to see it near, its wheel comes nearer, two fingers pinch, one
// finger moves what is zoomed and else the cursor.

import { make } from "../dom.js";
import { timeAt } from "./panels.js";
import { isWhole, panned, pinched, zoomed } from "./zoom.js";

/** @import { Chart } from "./chart.js" */
/** @import { Range } from "./zoom.js" */

const CLICK = 5; // pixels that a hand moves in a click
const WHEEL = 0.0022; // how much nearer for each pixel that is scrolled
const PINCHED_WHEEL = 0.01; // ... by two fingers on a touchpad
const LINE = 16; // pixels of a line, where a wheel tells lines
const SCROLL_MS = 300; // a scroll of the page that comes over the chart stays one

/** @typedef {{ pointers: [number, number], range: Range }} Pinch where two fingers came down, as pixels, and what was shown */

export class Gestures {
  /** @type {Map<number, number>} */
  #down = new Map(); // pointers, and where they are
  #from = 0; // where the first came down
  #moved = false;
  /** @type {Range | null} */
  #began = null; // what was shown when a finger came down
  /** @type {Pinch | null} */
  #pinch = null;
  #scrolled = -Infinity;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} root around it
   * @param {Chart} chart
   */
  constructor(canvas, root, chart) {
    this.canvas = canvas;
    this.chart = chart;
    this.selection = make("div", { className: "chart-selection", hidden: true });
    root.append(this.selection);
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#release(event));
    canvas.addEventListener("pointercancel", (event) => this.#drop(event));
    canvas.addEventListener("pointerleave", () => this.#down.size || chart.point(null));
    canvas.addEventListener("dblclick", () => chart.reset());
    addEventListener("wheel", (event) => {
      if (!root.contains(/** @type {Node} */ (event.target))) this.#scrolled = event.timeStamp;
    }, { passive: true, capture: true });
    root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {MouseEvent} event in pixels from the canvas's left edge */
  #x(event) {
    return event.clientX - this.canvas.getBoundingClientRect().left;
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0 || this.#down.size > 1) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, this.#x(event));
    const [first, second] = [...this.#down.values()];
    if (second === undefined) {
      this.#from = first;
      this.#moved = false;
      this.#began = this.chart.range;
    } else {
      this.#moved = true; // what two fingers do is no click
      this.#pinch = { pointers: [first, second], range: this.chart.range };
    }
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const x = this.#x(event);
    if (!this.#down.has(event.pointerId)) return this.#down.size ? undefined : this.chart.point(x);
    this.#down.set(event.pointerId, x);
    if (this.#pinch) return this.#pinched(this.#pinch);
    if (!this.#moved && Math.abs(x - this.#from) < CLICK) return undefined;
    this.#moved = true;
    if (event.pointerType === "mouse") this.#select(x);
    else if (isWhole(this.chart.range, this.chart.all)) this.chart.point(x);
    else this.#pan(x);
    return undefined;
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const x = this.#x(event);
    if (!this.#down.has(event.pointerId)) return;
    const mouse = event.pointerType === "mouse";
    if (!this.#moved) this.chart.pin(x);
    else if (mouse && Math.abs(x - this.#from) >= CLICK) this.#zoomTo(x);
    this.#drop(event);
  }

  /** @param {PointerEvent} event */
  #drop(event) {
    this.#down.delete(event.pointerId);
    this.#pinch = null;
    this.selection.hidden = true;
    for (const x of this.#down.values()) this.#from = x; // the finger that is left goes on from where it is
    this.#began = this.chart.range;
  }

  /** @param {number} x */
  #within(x) {
    const { panel } = this.chart;
    return panel ? Math.min(Math.max(x, panel.left), panel.left + panel.width) : x;
  }

  /** @param {number} x */
  #select(x) {
    const [left, right] = [this.#within(Math.min(x, this.#from)), this.#within(Math.max(x, this.#from))];
    this.selection.hidden = false;
    this.selection.style.transform = `translateX(${left}px)`;
    this.selection.style.width = `${right - left}px`;
    this.chart.point(x);
  }

  /** @param {number} x */
  #zoomTo(x) {
    const { panel, range, all } = this.chart;
    if (!panel) return;
    const [from, to] = [x, this.#from].map((one) => timeAt(panel, range, this.#within(one))).sort((a, b) => a - b);
    this.chart.move(zoomed({ from, to }, all, 1, (from + to) / 2));
  }

  /** @param {number} x */
  #pan(x) {
    const { panel, all } = this.chart;
    if (!panel || !this.#began) return;
    const seconds = ((this.#from - x) / panel.width) * (this.#began.to - this.#began.from);
    this.chart.move(panned(this.#began, all, seconds));
  }

  /** @param {Pinch} pinch */
  #pinched({ pointers, range }) {
    const { panel, all } = this.chart;
    const [first, second] = [...this.#down.values()];
    if (!panel || second === undefined) return;
    const parts = (/** @type {number[]} */ pixels) =>
      /** @type {[number, number]} */ (pixels.map((x) => (x - panel.left) / panel.width));
    this.chart.move(pinched(range, all, parts(pointers), parts([first, second])));
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const { chart } = this;
    if (!chart.panel || event.timeStamp - this.#scrolled < SCROLL_MS) {
      this.#scrolled = event.timeStamp;
      return;
    }
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
    const [across, down] = [unit * event.deltaX, unit * event.deltaY];
    const sideways = Math.abs(across) > Math.abs(down) ? across : event.shiftKey ? down : 0;
    const whole = isWhole(chart.range, chart.all);
    if (whole && (sideways || down > 0)) return; // there is no more to see: the page scrolls
    event.preventDefault();
    if (sideways) {
      const { from, to } = chart.range;
      chart.move(panned(chart.range, chart.all, (sideways / chart.panel.width) * (to - from)));
      return;
    }
    const factor = Math.exp(down * (event.ctrlKey ? PINCHED_WHEEL : WHEEL));
    chart.move(zoomed(chart.range, chart.all, factor, timeAt(chart.panel, chart.range, this.#within(this.#x(event)))));
  }
}

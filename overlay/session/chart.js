// The chart of a session: what it shows, how a person moves in it, and what is told of the second under the cursor.

import { make } from "../dom.js";
import { Gestures } from "./gestures.js";
import { Marks } from "./marks.js";
import { nearest } from "./buckets.js";
import { Painter } from "./painter.js";
import { heightOf, timeAt, xOf } from "./panels.js";
import { chartPicture } from "./picture.js";
import { coloursOf, drawnIn, paintScene, plainLook, sceneOf, shownIn } from "./scene.js";
import { told } from "./times.js";
import { readingLines, summary } from "./tooltip.js";
import { holding, isWhole, keyed, steps, whole, zoomed } from "./zoom.js";

/** @import { History } from "../history.js" */
/** @import { Peak } from "./chapters.js" */
/** @import { Scene } from "./scene.js" */
/** @import { Range } from "./zoom.js" */

const SNAP = 7; // pixels around a mark from which the cursor goes to it
const CURSOR_ROOM = 14; // pixels between cursor and tooltip

export class Chart {
  look = plainLook();
  /** @type {Peak[]} */
  peaks = [];
  /** @type {History | null} */
  #history = null;
  /** @type {Range} */
  #all = { from: 0, to: 1 };
  /** @type {Range} */
  #range = { from: 0, to: 1 };
  /** @type {Scene | null} */
  #scene = null;
  /** @type {number | null} */
  #at = null; // the cursor's time
  /** @type {number | null} */
  #pinned = null; // where the cursor goes back to
  #asked = false; // for a drawing

  /**
   * @param {HTMLElement} root an empty element with position: relative
   * @param {(whole: boolean) => void} moved called when another part of the session is shown
   */
  constructor(root, moved) {
    this.root = root;
    this.moved = moved;
    this.canvas = make("canvas", { className: "chart", tabIndex: 0 });
    this.canvas.setAttribute("role", "slider");
    this.tooltip = make("div", { className: "tooltip", hidden: true });
    this.tooltip.setAttribute("role", "status");
    this.marks = new Marks((time) => this.show(time));
    root.append(this.canvas, this.marks.root, this.tooltip);
    this.gestures = new Gestures(this.canvas, root, this);
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.redraw()).observe(root);
    new MutationObserver(() => this.redraw()).observe(document.documentElement, { attributeFilter: ["data-scheme"] });
  }

  /** Where the session begins on the axis. */
  get start() {
    return this.#all.from;
  }

  get range() {
    return this.#range;
  }

  get all() {
    return this.#all;
  }

  /** The main panel, on which times have their place; null while there is nothing to draw. */
  get panel() {
    return this.#scene?.panels[0] ?? null;
  }

  /**
   * Show a session; one that goes on is shown as before, with what is new.
   *
   * @param {History} history
   */
  draw(history) {
    const all = whole(history);
    const goesOn = this.#history?.session.number === history.session.number;
    const followed = !goesOn || isWhole(this.#range, this.#all);
    this.#history = history;
    this.#all = all;
    if (!goesOn) this.#at = this.#pinned = null;
    if (followed) this.#range = all;
    this.redraw();
    if (!goesOn) this.moved(true);
  }

  /** Once more, before the next frame. */
  redraw() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #draw() {
    const history = this.#history;
    const width = this.root.clientWidth;
    if (!history || !width) return;
    const size = { width, height: heightOf(shownIn(this.look).length - 1) };
    const scene = sceneOf(history, this.look, this.#range, this.start, size);
    this.#scene = scene;
    this.root.dataset.step = String(scene.step);
    this.#fit(size);
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const colours = coloursOf(this.root);
    const painter = new Painter(context, scene.range, scene.step, colours);
    painter.clear(size.width, size.height, devicePixelRatio);
    paintScene(painter, scene);
    this.marks.place(scene, this.peaks, history.markers, painter, colours.mark);
    this.#describe(history, scene);
    this.#cursor(history, scene, painter);
  }

  /** @param {{ width: number, height: number }} size in CSS pixels */
  #fit({ width, height }) {
    const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (this.canvas.width !== across) this.canvas.width = across;
    if (this.canvas.height !== down) this.canvas.height = down;
    this.canvas.style.height = `${height}px`;
    this.marks.root.style.height = `${height}px`;
  }

  /** @param {History} history @param {Scene} scene */
  #describe(history, scene) {
    const { from, to } = scene.range;
    this.canvas.setAttribute("aria-label", summary(scene));
    this.canvas.setAttribute("aria-valuemin", String(Math.floor(from - this.start)));
    this.canvas.setAttribute("aria-valuemax", String(Math.ceil(to - this.start)));
    const at = this.#at ?? from;
    this.canvas.setAttribute("aria-valuenow", String(Math.round(at - this.start)));
    this.canvas.setAttribute("aria-valuetext", told(at, this.look.times, this.start));
    this.canvas.toggleAttribute("data-empty", !history.moments.length);
  }

  /** @param {History} history @param {Scene} scene @param {Painter} painter */
  #cursor(history, scene, painter) {
    const at = this.#at;
    const there = at !== null && at >= scene.range.from && at <= scene.range.to;
    this.tooltip.hidden = !there;
    if (!there) return;
    const moment = nearest(history.moments, at);
    const marked = scene.look.against === null && moment && Math.abs(moment.time - at) < 1;
    painter.upright(scene.panels, at, painter.colours.text);
    const reading = readingLines(scene, history, this.peaks, at);
    if (marked && !scene.look.stacked) {
      for (const channel of drawnIn(scene.look)) {
        painter.dot(scene.panels[0], at, reading.values[channel], painter.colours.channels[channel]);
      }
    }
    this.tooltip.replaceChildren(...reading.lines);
    const x = xOf(scene.panels[0], scene.range, at);
    const right = x + this.tooltip.offsetWidth + CURSOR_ROOM + 6 > this.root.clientWidth;
    const left = right ? x - this.tooltip.offsetWidth - CURSOR_ROOM : x + CURSOR_ROOM;
    this.tooltip.style.transform = `translate(${Math.max(0, left).toFixed(0)}px, ${scene.panels[0].top}px)`;
  }

  /**
   * Show this second, as it is stored; it stays until another is chosen.
   *
   * @param {number} time Unix time in seconds
   */
  show(time) {
    this.#range = holding(this.#range, this.#all, time);
    this.#pinned = this.#at = time;
    this.redraw();
    this.moved(isWhole(this.#range, this.#all));
  }

  /**
   * The cursor follows a pointer; a mark that is near takes it.
   *
   * @param {number | null} x pixels from the canvas's left edge; null where the pointer has left
   */
  point(x) {
    this.#at = x === null ? this.#pinned : this.#secondAt(x);
    this.redraw();
  }

  /** @param {number} x */
  pin(x) {
    const time = this.#secondAt(x);
    if (time !== null) this.show(time);
  }

  /** Nothing is pointed at. */
  unpin() {
    this.#pinned = this.#at = null;
    this.redraw();
  }

  /**
   * The second under a pixel of which something is stored, or the marked one near it.
   *
   * @param {number} x
   */
  #secondAt(x) {
    const { panel } = this;
    if (!panel || !this.#history || x < panel.left - SNAP || x > panel.left + panel.width + SNAP) return null;
    const marked = this.marks.near(x, SNAP);
    const time = Math.min(Math.max(timeAt(panel, this.#range, x), this.#range.from), this.#range.to);
    return marked ?? nearest(this.#history.moments, time)?.time ?? time;
  }

  /** @param {Range} range */
  move(range) {
    this.#range = range;
    this.redraw();
    this.moved(isWhole(range, this.#all));
  }

  reset() {
    this.move(this.#all);
  }

  /** @param {number} factor below 1 to come nearer, around the cursor */
  zoom(factor) {
    this.move(zoomed(this.#range, this.#all, factor, this.#centre()));
  }

  #centre() {
    const { from, to } = this.#range;
    return this.#at !== null && this.#at >= from && this.#at <= to ? this.#at : (from + to) / 2;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const range = keyed(event, this.#range, this.#all, this.#centre());
    const by = steps(event);
    if (range) this.move(range);
    else if (event.key === "Escape") this.unpin();
    else if (by !== null && this.#history && this.#scene) this.#step(by, this.#history, this.#scene);
    else return;
    event.preventDefault();
  }

  /** @param {number} by buckets @param {History} history @param {Scene} scene */
  #step(by, { moments }, { step, range }) {
    const first = moments[0]?.time;
    if (first === undefined) return;
    const last = moments[moments.length - 1].time;
    const from = this.#at ?? (by < 0 ? range.to : range.from);
    let time = Math.min(Math.max(from + by * step, first), last);
    time = nearest(moments, time)?.time ?? time;
    if (time === from && by > 0) time = moments.find((moment) => moment.time > from)?.time ?? time; // over a pause
    this.show(time);
  }

  /**
   * The chart as a picture.
   *
   * @param {{ title: string, details: string }} titles
   */
  async picture(titles) {
    const history = this.#history;
    if (!history) throw new Error("There is nothing to draw yet.");
    return chartPicture({
      history, look: this.look, range: this.#range, start: this.start, peaks: this.peaks, colours: coloursOf(this.root),
      ...titles,
    });
  }
}

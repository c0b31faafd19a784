// The history chart: shares of the expressions as stacked areas, valence as a line, reactions as pictures on
// top, the streamer's markers as dashed lines.

import { EXPRESSIONS, WORDS, pictureUrl } from "./contract.js";
import { make, makeSvg, picture } from "./dom.js";
import { clock, percent } from "./figures.js";
import { axis, meanShares, moved, nearest, runs, thinned, timeStep } from "./history.js";

/** @import { Reaction } from "./contract.js" */
/** @import { History, Point } from "./history.js" */
/** @import { Marker } from "./protocol.d.ts" */

const MARGIN = { top: 34, right: 44, bottom: 28, left: 48 };
const HEIGHT = 320;
const MARK = 20; // side of a reaction's picture
const MARK_ROOM = 12; // marks closer than this many pixels would hide each other: the larger one is drawn
const FLAG = "M0 0V-14L11 -10.5L0 -7Z"; // at the foot of a marker's line
const NEAR_MARKER = 4; // pixels from the cursor within which the tooltip tells a marker's text
const PIXELS_A_POINT = 2;
const PIXELS_A_LABEL = 90;
const NARROWEST = 40; // pixels of the plot

export class Chart {
  /** @param {HTMLElement} root an empty element with position: relative */
  constructor(root) {
    this.root = root;
    /** @type {History | null} */
    this.history = null;
    this.width = 0;
    this.start = 0;
    this.span = 1;
    /** @type {Point[][]} */
    this.runs = [];
    /** @type {Point[]} */
    this.points = [];
    /** @type {Point | null} */
    this.shown = null;
    this.cursor = makeSvg("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
    this.svg = makeSvg("svg", { tabindex: 0, role: "img", class: "chart" });
    this.tooltip = make("div", { className: "tooltip", hidden: true });
    this.tooltip.setAttribute("role", "status");
    root.append(this.svg, this.tooltip);
    this.svg.addEventListener("pointermove", (event) => this.#point(this.#timeAt(event)));
    this.svg.addEventListener("pointerleave", () => this.#point(null));
    this.svg.addEventListener("blur", () => this.#point(null));
    this.svg.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.history && this.draw(this.history)).observe(root);
  }

  /** Pixels from the left edge to the right one of what is drawn. */
  get plot() {
    return this.width - MARGIN.left - MARGIN.right;
  }

  /** @param {number} time Unix time in seconds */
  x(time) {
    return MARGIN.left + (this.plot * (time - this.start)) / this.span;
  }

  /** @param {number} share 0 to 1 */
  y(share) {
    return MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - share);
  }

  /** @param {History} history */
  draw(history) {
    this.history = history;
    this.width = this.root.clientWidth;
    if (this.plot < NARROWEST) return;
    ({ start: this.start, span: this.span } = axis(history));
    this.runs = runs(history.moments, this.plot / PIXELS_A_POINT);
    this.points = this.runs.flat();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.setAttribute("height", String(HEIGHT));
    this.svg.setAttribute("aria-label", this.#summary());
    this.svg.replaceChildren(
      ...this.#areas(), ...this.#axes(), ...this.#line(), ...this.#marks(history.reactions),
      ...this.#markers(history.markers), this.cursor,
    );
    if (this.shown) this.#point(this.shown.time);
  }

  #summary() {
    if (!this.points.length) return "History chart, empty so far.";
    const most = meanShares(this.points).map((share, i) => ({ share, word: WORDS[EXPRESSIONS[i]] }));
    most.sort((a, b) => b.share - a.share);
    const parts = most.slice(0, 3).map(({ share, word }) => `${percent(share)} ${word}`);
    return `History chart over ${clock(this.span)}. On average ${parts.join(", ")}. Arrow keys move through the moments.`;
  }

  #areas() {
    const paths = [];
    for (const run of this.runs) {
      const base = run.map(() => 0);
      // The first expression lies on top, as the bar reads from left to right.
      for (let i = EXPRESSIONS.length - 1; i >= 0; i--) {
        const low = [...base];
        run.forEach((point, k) => (base[k] += point.shares[i]));
        const edge = (/** @type {number[]} */ values) =>
          run.map((point, k) => `${this.x(point.time).toFixed(1)} ${this.y(values[k]).toFixed(1)}`);
        const [upper, lower] = [edge(base), edge(low).reverse()];
        const d = `M${[...upper, ...lower].join("L")}Z`;
        paths.push(makeSvg("path", { d, class: "area", "data-expression": EXPRESSIONS[i] }));
      }
    }
    return paths;
  }

  #axes() {
    const right = MARGIN.left + this.plot;
    /** @type {SVGElement[]} */
    const nodes = [];
    /**
     * @param {number} x
     * @param {number} y
     * @param {string} content
     * @param {Record<string, string>} attributes
     */
    const text = (x, y, content, attributes) => nodes.push(makeSvg("text", { x, y, ...attributes }, content));
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const y = this.y(share);
      nodes.push(makeSvg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y, y2: y }));
      text(MARGIN.left - 8, y + 4, percent(share), { "text-anchor": "end" });
    }
    for (const valence of [-1, 0, 1]) {
      text(right + 8, this.y((valence + 1) / 2) + 4, ["−1", "0", "+1"][valence + 1], { class: "valence-label" });
    }
    const step = timeStep(this.span, this.plot / PIXELS_A_LABEL);
    for (let t = 0; t <= this.span; t += step) {
      text(this.x(this.start + t), HEIGHT - 8, clock(t), { "text-anchor": "middle" });
    }
    return nodes;
  }

  #line() {
    return this.runs.flatMap((run) => {
      const points = run.map((p) => `${this.x(p.time).toFixed(1)},${this.y((p.valence + 1) / 2).toFixed(1)}`).join(" ");
      return ["valence-back", "valence"].map((name) => makeSvg("polyline", { class: name, points }));
    });
  }

  /**
   * Those of the plot, with their place on it.
   *
   * @template {{ time: number }} Kind
   * @param {Kind[]} events
   */
  #placed(events) {
    return events.map((event) => ({ x: this.x(event.time), ...event }))
      .filter(({ x }) => x >= MARGIN.left && x <= this.width - MARGIN.right);
  }

  /** @param {Reaction[]} reactions */
  #marks(reactions) {
    return thinned(this.#placed(reactions), MARK_ROOM).flatMap(({ x, kind, name, count, time }) => [
      makeSvg("line", { class: "mark", x1: x, x2: x, y1: MARGIN.top - 8, y2: MARGIN.top }),
      makeSvg("image", { class: "reaction", href: pictureUrl(name), x: x - MARK / 2, y: 4, width: MARK, height: MARK },
        makeSvg("title", {},
          `${clock(time - this.start)}: ${kind === "expression" ? WORDS[name] : name}, ${count} viewers`)),
    ]);
  }

  /** @param {Marker[]} markers */
  #markers(markers) {
    return this.#placed(markers).map(({ x, time, text }) =>
      makeSvg("g", { class: "marker", transform: `translate(${x.toFixed(1)} 0)` },
        makeSvg("line", { y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
        makeSvg("path", { d: FLAG, transform: `translate(0 ${HEIGHT - MARGIN.bottom})` }),
        makeSvg("title", {}, `${clock(time - this.start)}: ${text}`)));
  }

  /**
   * Show the nearest moment, as if it was pointed at.
   *
   * @param {number} time Unix time in seconds
   */
  show(time) {
    this.svg.focus({ preventScroll: true });
    this.#point(time);
    this.root.scrollIntoView({ block: "nearest" });
  }

  /** @param {PointerEvent} event */
  #timeAt(event) {
    const box = this.svg.getBoundingClientRect();
    const part = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
    return part < 0 || part > 1 ? null : this.start + part * this.span;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const next = moved(event.key, this.shown ? this.points.indexOf(this.shown) : 0, this.points.length);
    if (next === null) return;
    event.preventDefault();
    this.#point(this.points[next].time);
  }

  /** @param {number | null} time Unix time in seconds; null points at nothing */
  #point(time) {
    const point = time === null ? null : nearest(this.points, time);
    this.shown = point;
    this.tooltip.hidden = !point;
    this.cursor.setAttribute("visibility", point ? "visible" : "hidden");
    if (!point) return;
    const x = this.x(point.time);
    this.cursor.setAttribute("x1", String(x));
    this.cursor.setAttribute("x2", String(x));
    this.tooltip.replaceChildren(...this.#lines(point));
    const left = x + this.tooltip.offsetWidth + 20 > this.width ? x - this.tooltip.offsetWidth - 12 : x + 12;
    this.tooltip.style.transform = `translate(${Math.max(0, left).toFixed(0)}px, ${MARGIN.top}px)`;
  }

  /**
   * The tooltip's.
   *
   * @param {Point} point
   */
  #lines(point) {
    /**
     * @param {string} className
     * @param {string} textContent
     */
    const row = (className, textContent) => make("div", { className, textContent });
    const at = new Date(1000 * point.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const rows = [row("tooltip-time", `${clock(point.time - this.start)} · ${at}`),
      row("tooltip-count", `${point.sharing} of ${point.viewers} viewers sharing`)];
    this.history?.markers.filter((marker) => Math.abs(this.x(marker.time) - this.x(point.time)) < NEAR_MARKER)
      .forEach(({ text }) => rows.push(row("tooltip-marker", text)));
    EXPRESSIONS.map((name, i) => ({ name, share: point.shares[i] }))
      .filter(({ share }) => share >= 0.005)
      .sort((a, b) => b.share - a.share)
      .forEach(({ name, share }) => {
        const line = row("tooltip-line", "");
        line.append(picture(name), row("", WORDS[name]),
          row("tooltip-share", `${percent(share)} (${Math.round(share * point.sharing)})`));
        rows.push(line);
      });
    const sign = point.valence < 0 ? "−" : "+";
    rows.push(row("tooltip-count", `Valence ${sign}${Math.abs(point.valence).toFixed(2)}, in tune ${percent(point.resonance)}`));
    return rows;
  }
}

// The history chart: shares of the expressions as stacked areas, valence as a line, reactions as pictures on
// top, the streamer's markers as dashed lines.

import { EXPRESSIONS, WORDS, pictureUrl } from "./contract.js";
import { clock, percent } from "./figures.js";
import { nearest, runs, timeStep } from "./history.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 34, right: 44, bottom: 28, left: 48 };
const HEIGHT = 320;
const MARK = 20; // side of a reaction's picture
const MARK_ROOM = 12; // marks closer than this many pixels would hide each other: the larger one is drawn
const FLAG = "M0 0V-14L11 -10.5L0 -7Z"; // at the foot of a marker's line
const NEAR_MARKER = 4; // pixels from the cursor within which the tooltip tells a marker's text
const SHORTEST_S = 10; // of the time axis
const PIXELS_A_POINT = 2;
const PIXELS_A_LABEL = 90;

function element(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export class Chart {
  /** @param {HTMLElement} root an empty element with position: relative */
  constructor(root) {
    this.root = root;
    this.session = null;
    this.svg = element("svg", { tabindex: 0, role: "img", class: "chart" });
    this.tooltip = Object.assign(document.createElement("div"), { className: "tooltip", hidden: true });
    this.tooltip.setAttribute("role", "status");
    root.append(this.svg, this.tooltip);
    this.svg.addEventListener("pointermove", (event) => this.#point(this.#timeAt(event)));
    this.svg.addEventListener("pointerleave", () => this.#point(null));
    this.svg.addEventListener("blur", () => this.#point(null));
    this.svg.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.session && this.draw(this.session)).observe(root);
  }

  /** @param {{session: object, moments: object[], reactions: object[], markers: object[]}} session as the relay's JSON */
  draw(session) {
    this.session = session;
    const { moments, reactions, markers } = session;
    this.width = this.root.clientWidth;
    const plot = this.width - MARGIN.left - MARGIN.right;
    if (plot < 40) return;
    const [first, last] = [moments[0], moments[moments.length - 1]];
    this.start = Math.min(session.session.started, first?.time ?? Infinity);
    const end = Math.max(last?.time ?? 0, markers[markers.length - 1]?.time ?? 0);
    this.span = Math.max(SHORTEST_S, end - this.start);
    this.x = (time) => MARGIN.left + (plot * (time - this.start)) / this.span;
    this.y = (share) => MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - share);
    this.runs = runs(moments, plot / PIXELS_A_POINT);
    this.points = this.runs.flat();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.setAttribute("height", HEIGHT);
    this.svg.setAttribute("aria-label", this.#summary());
    this.cursor = element("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
    this.svg.replaceChildren(
      ...this.#areas(), ...this.#axes(plot), ...this.#line(), ...this.#marks(reactions),
      ...this.#markers(markers), this.cursor,
    );
    if (this.shown) this.#point(this.shown.time);
  }

  #summary() {
    if (!this.points.length) return "History chart, empty so far.";
    const sums = EXPRESSIONS.map((_, i) => this.points.reduce((sum, point) => sum + point.shares[i], 0));
    const most = EXPRESSIONS.map((name, i) => [sums[i] / this.points.length, WORDS[name]]).sort((a, b) => b[0] - a[0]);
    const parts = most.slice(0, 3).map(([share, word]) => `${percent(share)} ${word}`);
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
        const at = (values) => (point, k) => `${this.x(point.time).toFixed(1)} ${this.y(values[k]).toFixed(1)}`;
        const upper = run.map(at(base));
        const lower = run.map(at(low)).reverse();
        const d = `M${[...upper, ...lower].join("L")}Z`;
        paths.push(element("path", { d, class: "area", "data-expression": EXPRESSIONS[i] }));
      }
    }
    return paths;
  }

  #axes(plot) {
    const nodes = [];
    const text = (x, y, content, attributes) => nodes.push(element("text", { x, y, ...attributes }, content));
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const y = this.y(share);
      nodes.push(element("line", { class: "grid", x1: MARGIN.left, x2: MARGIN.left + plot, y1: y, y2: y }));
      text(MARGIN.left - 8, y + 4, percent(share), { "text-anchor": "end" });
    }
    [["−1", 0], ["0", 0.5], ["+1", 1]].forEach(([label, share]) =>
      text(MARGIN.left + plot + 8, this.y(share) + 4, label, { class: "valence-label" }));
    const step = timeStep(this.span, plot / PIXELS_A_LABEL);
    for (let t = 0; t <= this.span; t += step) {
      text(this.x(this.start + t), HEIGHT - 8, clock(t), { "text-anchor": "middle" });
    }
    return nodes;
  }

  #line() {
    return this.runs.flatMap((run) => {
      const points = run.map((p) => `${this.x(p.time).toFixed(1)},${this.y((p.valence + 1) / 2).toFixed(1)}`).join(" ");
      return ["valence-back", "valence"].map((name) => element("polyline", { class: name, points }));
    });
  }

  #marks(reactions) {
    const kept = [];
    for (const reaction of [...reactions].sort((a, b) => b.strength - a.strength)) {
      const x = this.x(reaction.time);
      if (x >= MARGIN.left && x <= this.width - MARGIN.right && kept.every((k) => Math.abs(k.x - x) > MARK_ROOM)) {
        kept.push({ x, ...reaction });
      }
    }
    return kept.flatMap(({ x, name, count, time }) => [
      element("line", { class: "mark", x1: x, x2: x, y1: MARGIN.top - 8, y2: MARGIN.top }),
      element("image", { class: "reaction", href: pictureUrl(name), x: x - MARK / 2, y: 4, width: MARK, height: MARK },
        element("title", {}, `${clock(time - this.start)}: ${WORDS[name] ?? name}, ${count} viewers`)),
    ]);
  }

  #markers(markers) {
    return markers.map(({ time, text }) => ({ x: this.x(time), time, text }))
      .filter(({ x }) => x >= MARGIN.left && x <= this.width - MARGIN.right)
      .map(({ x, time, text }) => element("g", { class: "marker", transform: `translate(${x.toFixed(1)} 0)` },
        element("line", { y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
        element("path", { d: FLAG, transform: `translate(0 ${HEIGHT - MARGIN.bottom})` }),
        element("title", {}, `${clock(time - this.start)}: ${text}`)));
  }

  /** Show the moment nearest to a Unix time, as if it was pointed at. */
  show(time) {
    this.svg.focus({ preventScroll: true });
    this.#point(time);
    this.root.scrollIntoView({ block: "nearest" });
  }

  #timeAt(event) {
    const box = this.svg.getBoundingClientRect();
    const part = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
    return part < 0 || part > 1 ? null : this.start + part * this.span;
  }

  #key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };
    if (!(event.key in moves) || !this.points.length) return;
    event.preventDefault();
    const now = this.shown ? this.points.indexOf(this.shown) : 0;
    const next = Math.min(this.points.length - 1, Math.max(0, now + moves[event.key]));
    this.#point(this.points[next].time);
  }

  #point(time) {
    const point = time === null || !this.points?.length ? null : nearest(this.points, time);
    this.shown = point;
    this.tooltip.hidden = !point;
    this.cursor?.setAttribute("visibility", point ? "visible" : "hidden");
    if (!point) return;
    const x = this.x(point.time);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.tooltip.replaceChildren(...this.#lines(point));
    const left = x + this.tooltip.offsetWidth + 20 > this.width ? x - this.tooltip.offsetWidth - 12 : x + 12;
    this.tooltip.style.transform = `translate(${Math.max(0, left).toFixed(0)}px, ${MARGIN.top}px)`;
  }

  #lines(point) {
    const row = (className, text) => Object.assign(document.createElement("div"), { className, textContent: text });
    const at = new Date(1000 * point.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const rows = [row("tooltip-time", `${clock(point.time - this.start)} · ${at}`),
      row("tooltip-count", `${point.sharing} of ${point.viewers} viewers sharing`)];
    this.session.markers.filter((marker) => Math.abs(this.x(marker.time) - this.x(point.time)) < NEAR_MARKER)
      .forEach(({ text }) => rows.push(row("tooltip-marker", text)));
    EXPRESSIONS.map((name, i) => ({ name, share: point.shares[i] }))
      .filter(({ share }) => share >= 0.005)
      .sort((a, b) => b.share - a.share)
      .forEach(({ name, share }) => {
        const line = row("tooltip-line", "");
        line.append(Object.assign(new Image(), { src: pictureUrl(name), alt: "" }),
          row("", WORDS[name]), row("tooltip-share", `${percent(share)} (${Math.round(share * point.sharing)})`));
        rows.push(line);
      });
    const sign = point.valence < 0 ? "−" : "+";
    rows.push(row("tooltip-count", `Valence ${sign}${Math.abs(point.valence).toFixed(2)}, in tune ${percent(point.resonance)}`));
    return rows;
  }
}

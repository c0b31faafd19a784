// The stream of the last two minutes. It is drawn once a second; in between the compositor glides it by that second.

import { EXPRESSIONS } from "./contract.js";
import { make } from "./dom.js";
import { SECONDS, Seconds, bands } from "./stream.js";
import { say } from "./texts.js";

const SECOND_MS = 1000;

export class Wave {
  /**
   * @param {HTMLElement} root an empty element
   * @param {boolean} glides
   */
  constructor(root, glides) {
    this.root = root;
    this.glides = glides;
    this.seconds = new Seconds();
    this.canvas = make("canvas");
    root.append(this.canvas, make("span", { className: "moodcast-stream-ago", textContent: say("overlay.ago") }));
    new ResizeObserver(() => this.#draw()).observe(root);
    setInterval(() => this.#step(), SECOND_MS);
  }

  /** @param {import("./view.js").View} view */
  show({ shares }) {
    this.seconds.add(shares);
  }

  #step() {
    this.seconds.tick();
    this.#draw();
    const second = this.root.clientWidth / (SECONDS - 2);
    if (!this.glides) return;
    this.canvas.getAnimations().forEach((animation) => animation.cancel());
    this.canvas.animate([{ transform: "none" }, { transform: `translateX(${-second}px)` }],
      { duration: SECOND_MS, fill: "forwards" });
  }

  #draw() {
    const { clientWidth, clientHeight } = this.root;
    const pen = this.canvas.getContext("2d");
    if (!clientWidth || !pen) return;
    const second = clientWidth / (SECONDS - 2); // the newest comes in from beyond the right edge
    const [width, height] = [clientWidth + second, clientHeight];
    const sharp = window.devicePixelRatio;
    Object.assign(this.canvas, { width: Math.round(width * sharp), height: Math.round(height * sharp) });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    pen.scale(sharp, sharp);
    const style = getComputedStyle(this.root);
    for (const { index, edges } of bands(this.seconds.kept)) {
      const upper = edges.map(([, to], at) => ({ x: at * second, y: height * (0.5 - 0.94 * to) }));
      const lower = edges.map(([from], at) => ({ x: at * second, y: height * (0.5 - 0.94 * from) }));
      pen.beginPath();
      follow(pen, upper);
      follow(pen, lower.reverse());
      pen.fillStyle = style.getPropertyValue(`--moodcast-${EXPRESSIONS[index]}`);
      pen.fill();
    }
  }
}

/**
 * A smooth line through the middles of the points.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {{ x: number, y: number }[]} points
 */
function follow(pen, points) {
  pen.lineTo(points[0].x, points[0].y);
  for (let i = 1; i < points.length - 1; i++) {
    const [here, next] = [points[i], points[i + 1]];
    pen.quadraticCurveTo(here.x, here.y, (here.x + next.x) / 2, (here.y + next.y) / 2);
  }
  const last = points[points.length - 1];
  pen.lineTo(last.x, last.y);
}

// A ring that shows a share: two halves, each of which a disc behind it fills as it turns. Only transforms change.

import { make } from "./dom.js";

const MOVES_MS = 500;
const STEPS = 12;

/** @param {number} at 0 to 1, the time of a movement; fast at first */
const eased = (at) => 1 - (1 - at) ** 3;

/**
 * The share that is shown at a time of the movement.
 *
 * @param {{ from: number, to: number }} movement
 * @param {number} at 0 to 1
 */
export const shown = ({ from, to }, at) => from + (to - from) * eased(Math.min(1, Math.max(0, at)));

/**
 * How far each half's disc has turned, in turns: the first half of the ring is full before the second begins.
 *
 * @param {number} share
 */
export const halves = (share) => [Math.min(0.5, share), Math.max(0, share - 0.5)];

export class Ring {
  /** @param {HTMLElement} root an empty element */
  constructor(root) {
    this.root = root;
    this.movement = { from: 0, to: 0 };
    this.began = -Infinity;
    /** @type {HTMLElement[]} */
    this.discs = ["first", "second"].map((half) => {
      const window = make("div", { className: "moodcast-ring-half" });
      window.dataset.half = half;
      const disc = make("div", { className: "moodcast-ring-disc" });
      window.append(disc);
      root.append(window);
      return disc;
    });
    this.#turn([0, 0], 0);
  }

  /** @param {import("./view.js").View} view */
  show({ share, face, shares }) {
    this.root.dataset.expression = face;
    const to = shares ? share : 0;
    if (to === this.movement.to) return;
    const now = performance.now();
    this.movement = { from: shown(this.movement, (now - this.began) / MOVES_MS), to };
    this.began = now;
    const path = Array.from({ length: STEPS + 1 }, (_, step) => shown(this.movement, step / STEPS));
    this.#turn(path, MOVES_MS);
  }

  /**
   * @param {number[]} path the shares on the way, evenly in time
   * @param {number} duration
   */
  #turn(path, duration) {
    this.discs.forEach((disc, half) => {
      disc.getAnimations().forEach((animation) => animation.cancel());
      const frames = path.map((share) => {
        const turned = halves(share)[half];
        // Where it has not turned, its edge would be seen as a line at the window's edge.
        return { transform: `rotate(${turned.toFixed(4)}turn)`, opacity: turned ? 1 : 0, easing: "linear" };
      });
      disc.animate(frames, { duration, fill: "forwards" });
    });
  }
}

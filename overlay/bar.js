// The mood bar: one segment per expression. Only transforms and opacity change from tick to tick.

import { EXPRESSIONS } from "./contract.js";
import { make, picture } from "./dom.js";
import { marks, segments, shareOf, wordOf } from "./figures.js";
import { say } from "./texts.js";

const GAP = 2;
const RESTING = 0.4; // opacity of the faces while nothing is shown

export class MoodBar {
  /** @param {HTMLElement} root an empty element; gets class moodcast-bar and the segments */
  constructor(root) {
    this.root = root;
    this.width = 0;
    this.height = 0;
    /** @type {number[] | null} */
    this.shares = null;
    root.classList.add("moodcast-bar");
    root.setAttribute("role", "img");
    this.segments = EXPRESSIONS.map((name) => this.#add("moodcast-segment", name));
    this.faces = EXPRESSIONS.map((name) => {
      const face = this.#add("moodcast-segment-face", name);
      face.append(picture(name));
      return face;
    });
    this.show(null);
    new ResizeObserver(([entry]) => {
      this.width = entry.contentRect.width;
      this.height = entry.contentRect.height;
      this.#place();
    }).observe(root);
  }

  /**
   * @param {string} className
   * @param {string} expression
   */
  #add(className, expression) {
    const element = make("div", { className });
    element.dataset.expression = expression;
    this.root.append(element);
    return element;
  }

  /** @param {number[] | null} shares seven, 0 to 1; null while nothing is shown: the faces then rest side by side */
  show(shares) {
    this.shares = shares;
    this.root.toggleAttribute("data-resting", !shares);
    this.root.setAttribute("aria-label", describe(shares ?? []));
    this.#place();
  }

  #place() {
    if (!this.width) return;
    const parts = segments(this.shares ?? EXPRESSIONS.map(() => 0), this.width, GAP);
    const shown = marks(parts, this.width, this.height);
    parts.forEach(({ left, width }, index) => {
      const face = this.faces[index];
      const { middle, size, dot } = this.shares ? shown[index] : this.#resting(index);
      this.segments[index].style.transform = `translateX(${left.toFixed(1)}px) scaleX(${(width / this.width).toFixed(5)})`;
      face.style.transform = `translateX(${(middle - this.height / 2).toFixed(1)}px) scale(${size.toFixed(3)})`;
      face.style.opacity = String(this.shares ? Number(size > 0) : RESTING);
      if (face.hasAttribute("data-dot") !== dot) face.toggleAttribute("data-dot", dot);
    });
  }

  /** @param {number} index of an expression; where its face is while nothing is shown */
  #resting(index) {
    return { middle: ((index + 0.5) / EXPRESSIONS.length) * this.width, size: 1, dot: false };
  }
}

/**
 * "62 % happy, 38 % neutral"
 *
 * @param {number[]} shares seven, or none
 */
export const describe = (shares) =>
  EXPRESSIONS.map((name, index) => ({ share: shares[index] ?? 0, name }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .map(({ share, name }) => shareOf(share, wordOf(name)))
    .join(say("common.and")) || say("common.nothing");

// Reactions that float across the picture. The elements are pooled, and the browser's compositor animates them
// (transforms and opacity, by elapsed time), so that hours of reactions cost neither memory nor main-thread time.

import { pictureUrl } from "./contract.js";
import { make } from "./dom.js";

/** @import { Reaction } from "./contract.js" */

const MOST_AT_ONCE = 40; // more could not be told apart, and are left out
const MOST_COMPANIONS = 5;
const COMPANION_SIZE = 0.5;

/**
 * What floats, and its parts.
 * @typedef {{ element: HTMLElement, image: HTMLImageElement, badge: HTMLElement }} Floating
 */

export class Reactions {
  /**
   * @param {HTMLElement} root the area to float in; gets class moodcast-reactions
   * @param {1|-1} direction -1 upward, 1 downward
   */
  constructor(root, direction) {
    this.root = root;
    this.direction = direction;
    /** @type {Floating[]} */
    this.free = [];
    this.made = 0;
    root.classList.add("moodcast-reactions");
  }

  /** @param {Reaction} reaction a message of the relay */
  show({ name, kind, strength, count }) {
    const size = sizeOf(strength);
    const x = 0.08 + 0.84 * Math.random();
    this.#float({ name, kind, size, x, count, delay: 0, companion: false });
    for (let i = 0; i < companions(count, strength); i++) {
      const aside = (i % 2 ? -1 : 1) * (0.05 + 0.06 * Math.random());
      const near = Math.min(0.97, Math.max(0.03, x + aside));
      const delay = 120 + 500 * Math.random();
      this.#float({ name, kind, size: size * COMPANION_SIZE, x: near, count: 0, delay, companion: true });
    }
  }

  /**
   * @param {{ name: string, kind: string, size: number, x: number, count: number, delay: number, companion: boolean }} what
   *   size in em, x as a share of the width, delay in milliseconds
   */
  #float({ name, kind, size, x, count, delay, companion }) {
    const floating = this.free.pop() ?? this.#make();
    if (!floating) return;
    const { width, height } = this.root.getBoundingClientRect();
    const { element, image, badge } = floating;
    element.dataset.name = name;
    element.dataset.kind = kind;
    element.toggleAttribute("data-companion", companion);
    image.src = pictureUrl(name);
    badge.textContent = count > 1 ? `×${count}` : "";
    element.style.fontSize = `${size.toFixed(2)}em`;
    element.hidden = false;
    const rise = this.direction * height * (0.72 + 0.22 * Math.random());
    const sway = 0.025 * width * (Math.random() < 0.5 ? -1 : 1);
    const at = (/** @type {number} */ y, /** @type {number} */ dx, /** @type {number} */ scale) =>
      `translate(${(x * width + dx).toFixed(1)}px,${y.toFixed(1)}px) translateX(-50%) scale(${scale})`;
    const animation = element.animate(
      [
        { transform: at(0, 0, 0.3), opacity: 0, easing: "cubic-bezier(.2,1.4,.5,1)" },
        { transform: at(0.08 * rise, 0, 1), opacity: 1, offset: 0.08, easing: "ease-in-out" },
        { transform: at(0.4 * rise, sway, 1), opacity: 1, offset: 0.4, easing: "ease-in-out" },
        { transform: at(0.75 * rise, -sway, 1), opacity: 1, offset: 0.75, easing: "ease-in-out" },
        { transform: at(rise, 0, 0.9), opacity: 0 },
      ],
      { duration: 3600 + 900 * Math.random(), delay, fill: "both" },
    );
    animation.onfinish = () => {
      animation.cancel();
      element.hidden = true;
      this.free.push(floating);
    };
  }

  /** @returns {Floating | null} */
  #make() {
    if (this.made >= MOST_AT_ONCE) return null;
    this.made++;
    const element = make("div", { className: "moodcast-reaction" });
    const [image, badge] = [make("img", { alt: "" }), make("span", { className: "moodcast-count" })];
    element.append(image, badge);
    this.root.append(element);
    return { element, image, badge };
  }
}

/** @param {number} strength 0 to 1; gives em */
export const sizeOf = (strength) => 0.75 + 0.75 * Math.sqrt(Math.min(1, strength));

/**
 * How many smaller pictures float beside.
 *
 * @param {number} count of viewers
 * @param {number} strength 0 to 1
 */
export const companions = (count, strength) =>
  Math.min(MOST_COMPANIONS, Math.round(count * 0.3), Math.round(8 * strength));

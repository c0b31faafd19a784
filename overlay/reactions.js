// Reactions that float across the picture. The elements are pooled, and the browser's compositor animates them
// (transforms and opacity, by elapsed time), so that hours of reactions cost neither memory nor main-thread time. Nothing
// is laid out when one starts: all have one size, of which the animation's scale shows as much as is meant.

import { EXPRESSIONS, TAPS, pictureUrl } from "./contract.js";
import { make } from "./dom.js";
import { Limit } from "./guard.js";
import { isCalm } from "./motion.js";

/** @import { Reaction } from "./contract.js" */

const MOST_AT_ONCE = 40; // more could not be told apart, and are left out
const MOST_A_SECOND = 5; // what starts in one second, as a burst with its companions; more would flicker
const MOST_COMPANIONS = 5;
const COMPANION_SIZE = 0.5;
const JOIN_MS = 1500; // what comes so soon after another of its kind is counted by that one, ...
const JOIN_LONGEST_MS = 2600; // ... while that one has not begun to fade
const LARGEST = 1.5; // em: the elements' own size, as in reactions.css

const GROW = "cubic-bezier(.2,1.4,.5,1)";
const COUNTED_MS = 350;
const COUNTED = [{ transform: "scale(1)" }, { transform: "scale(1.3)", offset: 0.3 }, { transform: "scale(1)" }];

/**
 * What floats, and its parts.
 * @typedef {{ element: HTMLElement, image: HTMLImageElement, badge: HTMLElement }} Floating
 */

/**
 * One that still counts: how many, when it started, when the last joined, and when its number last jumped.
 * @typedef {{ floating: Floating, count: number, started: number, joined: number, bounced: number }} Counting
 */

export class Reactions {
  /**
   * @param {HTMLElement} root the area to float in; gets class moodcast-reactions
   * @param {1|-1} direction -1 upward, 1 downward
   */
  constructor(root, direction) {
    this.root = root;
    this.direction = direction;
    this.width = this.height = 0; // known after the first layout
    /** @type {Floating[]} */
    this.free = [];
    this.made = 0;
    this.limit = new Limit(MOST_A_SECOND, 1000);
    /** @type {Map<string, Counting>} */
    this.counting = new Map();
    this.loaded = [...EXPRESSIONS, ...TAPS].map((name) => make("img", { src: pictureUrl(name) })); // before the first
    root.classList.add("moodcast-reactions");
    new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width;
      this.height = contentRect.height;
    }).observe(root);
  }

  /**
   * @param {Pick<Reaction, "kind" | "name" | "strength" | "count">} reaction
   * @param {string} [badge] stands beside the picture, in place of how many they were
   */
  show({ name, kind, strength, count }, badge) {
    const now = performance.now();
    const before = this.counting.get(`${kind} ${name}`);
    if (before && !badge && joins(before, now)) {
      this.#count(before, count, now);
      return;
    }
    const size = sizeOf(strength);
    const x = 0.08 + 0.84 * Math.random();
    const floating = this.#float({ name, kind, size, x, delay: 0, companion: false }, now);
    if (!floating) return;
    floating.badge.textContent = badge ?? counted(count);
    if (!badge) this.counting.set(`${kind} ${name}`, { floating, count, started: now, joined: now, bounced: -Infinity });
    for (let i = 0; i < companions(count, strength); i++) {
      const aside = (i % 2 ? -1 : 1) * (0.05 + 0.06 * Math.random());
      const near = Math.min(0.97, Math.max(0.03, x + aside));
      const delay = 120 + 500 * Math.random();
      this.#float({ name, kind, size: size * COMPANION_SIZE, x: near, delay, companion: true }, now);
    }
  }

  /**
   * @param {Counting} counting
   * @param {number} more
   * @param {number} now
   */
  #count(counting, more, now) {
    const { badge } = counting.floating;
    // By the clock: to ask the browser what still moves makes it work out all styles.
    if (!isCalm(this.root) && now - counting.bounced >= COUNTED_MS) {
      badge.animate(COUNTED, COUNTED_MS);
      counting.bounced = now;
    }
    counting.count += more;
    counting.joined = now;
    badge.textContent = counted(counting.count);
  }

  /**
   * @param {{ name: string, kind: string, size: number, x: number, delay: number, companion: boolean }} what
   *   size in em, x as a share of the width, delay in milliseconds
   * @param {number} now
   * @returns {Floating | null} null where there are too many
   */
  #float({ name, kind, size, x, delay, companion }, now) {
    if (this.limit.wait(now) > 0) return null;
    const floating = this.#free(name);
    if (!floating) return null;
    this.limit.count(now);
    if (!this.height) [this.width, this.height] = [this.root.clientWidth, this.root.clientHeight];
    const { element, image, badge } = floating;
    if (element.dataset.name !== name) {
      element.dataset.name = name;
      image.src = pictureUrl(name);
    }
    element.dataset.kind = kind;
    element.toggleAttribute("data-companion", companion);
    badge.textContent = "";
    element.hidden = false;
    const keyframes = isCalm(this.root) ? this.#fading(x, size) : this.#rising(x, size);
    const animation = element.animate(keyframes, { duration: 3600 + 900 * Math.random(), delay, fill: "both" });
    animation.onfinish = () => {
      animation.cancel();
      element.hidden = true;
      this.free.push(floating);
      for (const [of, counting] of this.counting) if (counting.floating === floating) this.counting.delete(of);
    };
    return floating;
  }

  /**
   * @param {number} x
   * @param {number} size
   * @returns {Keyframe[]}
   */
  #rising(x, size) {
    const { width, height } = this;
    const rise = this.direction * height * (0.72 + 0.22 * Math.random());
    const sway = 0.025 * width * (Math.random() < 0.5 ? -1 : 1);
    const at = (/** @type {number} */ y, /** @type {number} */ dx, /** @type {number} */ scale) =>
      `translate(${(x * width + dx).toFixed(1)}px,${y.toFixed(1)}px) scale(${((scale * size) / LARGEST).toFixed(3)})`;
    return [
      { transform: at(0, 0, 0.3), opacity: 0, easing: GROW },
      { transform: at(0.08 * rise, 0, 1), opacity: 1, offset: 0.08, easing: "ease-in-out" },
      { transform: at(0.4 * rise, sway, 1), opacity: 1, offset: 0.4, easing: "ease-in-out" },
      { transform: at(0.75 * rise, -sway, 1), opacity: 1, offset: 0.75, easing: "ease-in-out" },
      { transform: at(rise, 0, 0.9), opacity: 0 },
    ];
  }

  /**
   * Where nothing shall float: it comes and goes in its place, spread over half of the height.
   *
   * @param {number} x
   * @param {number} size
   * @returns {Keyframe[]}
   */
  #fading(x, size) {
    const y = this.direction * this.height * (0.05 + 0.5 * Math.random());
    const transform =
      `translate(${(x * this.width).toFixed(1)}px,${y.toFixed(1)}px) scale(${(size / LARGEST).toFixed(3)})`;
    return [0, 1, 1, 0].map((opacity, index) => ({ transform, opacity, offset: [0, 0.15, 0.75, 1][index] }));
  }

  /**
   * One that is free, best with that picture, or a new one.
   *
   * @param {string} name
   * @returns {Floating | null}
   */
  #free(name) {
    const same = this.free.findIndex(({ element }) => element.dataset.name === name);
    if (same >= 0) return this.free.splice(same, 1)[0];
    return this.free.pop() ?? this.#make();
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

/** @param {number} count of viewers */
const counted = (count) => (count > 1 ? `×${count}` : "");

/**
 * Whether a reaction that comes now is counted by the one that floats.
 *
 * @param {{ started: number, joined: number }} counting
 * @param {number} now
 */
export const joins = ({ started, joined }, now) => now - joined <= JOIN_MS && now - started <= JOIN_LONGEST_MS;

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

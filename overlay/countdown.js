// The countdown that measures the viewers' delay. All its movements are planned when it arrives, on the compositor's
// clock: a busy page can't make the zero late, and the page's wall clock, which may be wrong, is never asked.

import { make } from "./dom.js";
import { isCalm } from "./motion.js";
import { say } from "./texts.js";

const SHOWN_MS = 1500; // the zero, before it fades; relay/core/countdown.py has the same
const FADE_MS = 500;
const LEAST_S = 1; // less can't be followed
const MOST_S = 30;

const EASE_OUT = "cubic-bezier(.2,.9,.3,1)";
// A number is there at once, on the second, and goes before the next one comes.
const NUMBER = [
  { opacity: 1, transform: "scale(1.3)", easing: EASE_OUT },
  { opacity: 1, transform: "scale(1)", offset: 0.2 },
  { opacity: 1, transform: "scale(.97)", offset: 0.82, easing: "ease-in" },
  { opacity: 0, transform: "scale(.7)" },
];
const CALM_NUMBER = [{ opacity: 1 }, { opacity: 1, offset: 0.82 }, { opacity: 0 }];

/**
 * What to show, and when.
 *
 * @param {number} rest seconds until zero
 * @returns {{number: number, delay: number}[]} each number with the milliseconds until it begins; below 0 it began before
 */
export function plan(rest) {
  const numbers = Array.from({ length: Math.ceil(rest) + 1 }, (_, i) => Math.ceil(rest) - i);
  return numbers.map((number) => ({ number, delay: 1000 * (rest - number) }));
}

/** @param {number} rest seconds until zero; whether a countdown of that length is shown */
export const canFollow = (rest) => rest >= LEAST_S && rest <= MOST_S;

export class Countdown {
  /** @param {HTMLElement} root where it is shown; gets a child for as long as one runs */
  constructor(root) {
    this.root = root;
    /** @type {HTMLElement | null} */
    this.shown = null;
  }

  /** @param {{time: number, zero: number}} countdown a message of the relay that has just arrived */
  show({ time, zero }) {
    const rest = zero - time;
    if (!canFollow(rest)) return;
    this.shown?.remove(); // its animations end with it
    const stage = this.shown = part("moodcast-countdown");
    const [flash, disc, zeroDisc, sweep, caption] =
      ["flash", "disc", "zero-disc", "sweep", "caption"].map((name) => part(`moodcast-countdown-${name}`));
    const face = part("moodcast-countdown-face");
    caption.textContent = say("overlay.tap_at_zero");
    stage.setAttribute("role", "timer");
    stage.setAttribute("aria-label", say("overlay.countdown"));
    let zeroDigit = zeroDisc;
    face.append(disc, sweep, zeroDisc);
    stage.append(flash, face, caption);
    this.root.append(stage);

    const calm = isCalm(this.root); // no growing then, and no flash: the disc changes its colour
    const until = 1000 * rest;
    for (const { number, delay } of plan(rest)) {
      const digit = part("moodcast-countdown-number", String(number));
      face.append(digit);
      if (number) {
        digit.animate(calm ? CALM_NUMBER : NUMBER, { duration: 1000, delay, fill: "forwards" });
      } else {
        digit.dataset.zero = "";
        zeroDigit = digit;
      }
    }
    stage.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 200 });
    sweep.animate([{ transform: "rotate(0)" }, { transform: "rotate(1turn)" }],
      { duration: 1000, iterations: Infinity, delay: until % 1000 - 1000 });
    /** @type {KeyframeAnimationOptions} */
    const appear = { duration: 1, delay: until, fill: "forwards" };
    const pop = [{ transform: "scale(1.5)", easing: EASE_OUT }, { transform: "scale(1)" }];
    for (const element of [zeroDisc, zeroDigit]) {
      element.animate([{ opacity: 1 }, { opacity: 1 }], appear);
      if (!calm) element.animate(pop, { duration: 350, delay: until });
    }
    if (!calm) flash.animate([{ opacity: 0.9 }, { opacity: 0.75, offset: 0.2 }, { opacity: 0 }], { duration: 700, delay: until });
    caption.animate([{ opacity: 1 }, { opacity: 0 }], { duration: 1, delay: until, fill: "forwards" });
    const fade = stage.animate([{ opacity: 1 }, { opacity: 0 }],
      { duration: FADE_MS, delay: until + SHOWN_MS, fill: "forwards" });
    fade.onfinish = () => {
      stage.remove();
      if (this.shown === stage) this.shown = null;
    };
  }
}

/** @param {string} className */
const part = (className, textContent = "") => make("div", { className, textContent });

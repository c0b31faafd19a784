// The banner of a moment: the face grows in the middle, in a ring that is closed as far as viewers took part, with one
// word and the share, for about two seconds. The elements are made once, and the browser's compositor animates them.

import { pictureUrl } from "./contract.js";
import { make } from "./dom.js";
import { deedOf, percent, wordOf } from "./figures.js";
import { isCalm } from "./motion.js";

/** @import { Moment } from "./contract.js" */

const SHOWN_MS = 2200;
const TIMING = { duration: SHOWN_MS, fill: /** @type {const} */ ("both") };

const SHOWN = [{ opacity: 0 }, { opacity: 1, offset: 0.12 }, { opacity: 1, offset: 0.86, easing: "ease-in" }, { opacity: 0 }];
const GROWING = [
  { transform: "scale(.35)", easing: "cubic-bezier(.2,1.5,.4,1)" },
  { transform: "scale(.96)", offset: 0.22 },
  { transform: "scale(1)", offset: 0.86, easing: "ease-in" },
  { transform: "scale(.92)" },
];
const RISING = [
  { transform: "translateY(60%)", opacity: 0 },
  { transform: "translateY(60%)", opacity: 0, offset: 0.08, easing: "cubic-bezier(.2,.9,.3,1)" },
  { transform: "none", opacity: 1, offset: 0.26 },
  { transform: "none", opacity: 1 },
];

export class MomentBanner {
  #banner = make("div", { className: "moodcast-moment", hidden: true });
  #face = make("div", { className: "moodcast-moment-face" });
  #image = make("img", { alt: "" });
  #text = make("div", { className: "moodcast-moment-text" });
  #word = make("span", { className: "moodcast-moment-word" });
  #share = make("span", { className: "moodcast-moment-share" });
  /** @type {Animation[]} */
  #animations = [];

  /** @param {HTMLElement} root the area in whose middle it is */
  constructor(root) {
    this.#face.append(make("div", { className: "moodcast-moment-ring" }), this.#image);
    this.#text.append(this.#word, this.#share);
    this.#banner.append(this.#face, this.#text);
    root.append(this.#banner);
  }

  /** @param {Moment} moment a message of the relay; it takes the place of the one before */
  show({ kind, name, share }) {
    this.hide();
    this.#banner.dataset.name = name;
    this.#banner.style.setProperty("--moodcast-share", `${(100 * share).toFixed(1)}%`);
    this.#image.src = pictureUrl(name);
    this.#word.textContent = kind === "tap" ? deedOf(name) : wordOf(name);
    this.#share.textContent = percent(share);
    this.#banner.hidden = false;
    const shown = this.#banner.animate(SHOWN, TIMING);
    this.#animations = [shown];
    if (!isCalm(this.#banner)) {
      this.#animations.push(this.#face.animate(GROWING, TIMING), this.#text.animate(RISING, TIMING));
    }
    shown.onfinish = () => this.hide();
  }

  /** Nothing is shown, as while the mood is hidden. */
  hide() {
    for (const animation of this.#animations) animation.cancel();
    this.#banner.hidden = true;
  }
}

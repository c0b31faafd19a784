// The banner of a moment: the face grows in the middle, with one word and the share, for about two seconds. The elements
// are made once, and the browser's compositor animates them.

import { DEEDS, WORDS, pictureUrl } from "./contract.js";
import { make } from "./dom.js";
import { percent } from "./figures.js";

/** @import { Moment } from "./contract.js" */

const SHOWN_MS = 2200;

export class MomentBanner {
  #banner = make("div", { className: "moodcast-moment", hidden: true });
  #image = make("img", { alt: "" });
  #word = make("span", { className: "moodcast-moment-word" });
  #share = make("span", { className: "moodcast-moment-share" });
  /** @type {Animation | undefined} */
  #animation;

  /** @param {HTMLElement} root the area in whose middle it is */
  constructor(root) {
    const text = make("div", { className: "moodcast-moment-text" });
    text.append(this.#word, this.#share);
    this.#banner.append(this.#image, text);
    root.append(this.#banner);
  }

  /** @param {Moment} moment a message of the relay; it takes the place of the one before */
  show({ kind, name, share }) {
    this.hide();
    this.#banner.dataset.name = name;
    this.#image.src = pictureUrl(name);
    this.#word.textContent = kind === "tap" ? DEEDS[name] : WORDS[name];
    this.#share.textContent = percent(share);
    this.#banner.hidden = false;
    this.#animation = this.#banner.animate(
      [
        { transform: "scale(.4)", opacity: 0, easing: "cubic-bezier(.2,1.5,.5,1)" },
        { transform: "scale(.95)", opacity: 1, offset: 0.18 },
        { transform: "scale(1)", opacity: 1, offset: 0.85, easing: "ease-in" },
        { transform: "scale(.9)", opacity: 0 },
      ],
      { duration: SHOWN_MS },
    );
    this.#animation.onfinish = () => this.hide();
  }

  /** Nothing is shown, as while the mood is hidden. */
  hide() {
    this.#animation?.cancel();
    this.#banner.hidden = true;
  }
}

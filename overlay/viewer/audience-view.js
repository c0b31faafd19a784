// The audience's mood, the reactions at a tap, and the streamer's countdown.

import { MoodBar } from "../bar.js";
import { TAPS } from "../contract.js";
import { find, make, only, picture, write } from "../dom.js";
import { hiddenWords, shareOf, tapOf, wordOf } from "../figures.js";
import { say } from "../texts.js";
import { audience, calibration, mayTap } from "./state.js";
import { spell } from "./words.js";

/** @import { Flow } from "./flow.js" */
/** @import { Mood } from "../protocol.d.ts" */
/** @import { State } from "./state.js" */

const PRESSED_MS = 180;

export class AudienceView {
  #bar = new MoodBar(find("bar"));
  #counts = find("counts");
  #shows = find("shows");
  #countdown = find("countdown");
  #countdownWords = find("countdown-words");
  #zero = only(HTMLButtonElement, "#zero");
  /** @type {Mood | null | undefined} */
  #mood = undefined;
  /** @type {HTMLButtonElement[]} */
  #taps;

  /** @param {() => Flow} flow that runs now */
  constructor(flow) {
    this.#taps = TAPS.map((name) => {
      const button = make("button", { type: "button", className: "tap quiet", ariaLabel: tapOf(name), title: tapOf(name) });
      button.append(picture(name));
      button.addEventListener("click", () => this.#press(button, flow().tap(name)));
      return button;
    });
    find("taps").append(...this.#taps);
    this.#zero.addEventListener("click", () => flow().tapZero());
  }

  /**
   * @param {HTMLElement} button
   * @param {boolean} sent
   */
  #press(button, sent) {
    if (!sent) return;
    button.setAttribute("data-sent", "");
    setTimeout(() => button.removeAttribute("data-sent"), PRESSED_MS);
  }

  /** @param {State} state */
  show(state) {
    const may = mayTap(state);
    for (const button of this.#taps) button.disabled = !may;
    this.#showCountdown(state);
    if (state.mood === this.#mood) return;
    this.#mood = state.mood;
    const { counts, shares, ranking } = audience(state.mood);
    write(this.#counts, counts ? spell(counts) : "");
    this.#bar.show(shares);
    write(this.#shows, !state.mood ? say("join.audience.unknown") : shares
      ? ranking.map(({ share, expression }) => shareOf(share, wordOf(expression))).join(" · ")
      : hiddenWords(state.mood));
  }

  /** @param {State} state */
  #showCountdown(state) {
    const what = calibration(state, performance.now());
    this.#countdown.hidden = what === "nothing";
    this.#zero.hidden = what === "measured";
    if (what === "open") write(this.#countdownWords, say("join.zero.open"));
    if (what === "measured") write(this.#countdownWords, say("join.zero.measured", { seconds: state.measured ?? 0 }));
  }
}

// The buttons and lists around the chart, which say how it is drawn.

import { EXPRESSIONS } from "../contract.js";
import { find, make, only, picture, write } from "../dom.js";
import { clock } from "../figures.js";
import { say } from "../texts.js";
import { RESONANCE, VALENCE } from "./buckets.js";
import { difference } from "./compare.js";
import { channelWord, valueWords } from "./scene.js";

/** @import { History } from "../history.js" */
/** @import { Chart } from "./chart.js" */

const NEARER = 0.5;

export class Tools {
  #compared = EXPRESSIONS.indexOf("happy"); // the channel, while two sessions are

  /** @param {Chart} chart */
  constructor(chart) {
    this.chart = chart;
    this.channels = find("channels");
    find("as-lines").addEventListener("click", () => this.#stack(false));
    find("as-stack").addEventListener("click", () => this.#stack(true));
    this.#choose("measure", (value) => (chart.look.measure = value === "viewers" ? "viewers" : "share"));
    this.#choose("unit", (value) => (chart.look.unit = Number(value)));
    this.#choose("times", (value) => (chart.look.times = value === "clock" || value === "seconds" ? value : "stream"));
    find("nearer").addEventListener("click", () => chart.zoom(NEARER));
    find("farther").addEventListener("click", () => chart.zoom(1 / NEARER));
    find("all-of-it").addEventListener("click", () => chart.reset());
    this.#drawChannels();
  }

  /** @param {boolean} whole whether all of the session is shown */
  moved(whole) {
    for (const id of ["farther", "all-of-it"]) only(HTMLButtonElement, `#${id}`).disabled = whole;
  }

  /**
   * Two sessions beside each other; null for one.
   *
   * @param {History} one
   * @param {History | null} other moved to the start of the one
   */
  compare(one, other) {
    const { look } = this.chart;
    look.against = other && { history: other, channel: this.#compared };
    this.#drawChannels();
    this.#tellDifference(one);
    this.chart.redraw();
  }

  /** @param {History} one */
  #tellDifference(one) {
    const { look } = this.chart;
    const place = find("compared");
    place.hidden = !look.against;
    find("as-lines").parentElement?.toggleAttribute("hidden", look.against !== null);
    if (!look.against) return;
    const { history, channel } = look.against;
    const found = difference(one, history, channel, look.measure);
    const name = history.session.name || say("session.numbered", { number: history.session.number });
    const words = (/** @type {number} */ value) => valueWords(look, channel, value);
    write(place, found
      ? say("session.compared", {
        what: channelWord(channel), one: words(found.one), other: words(found.other), name, time: clock(found.seconds),
      })
      : say("session.apart", { name }));
    this.one = one;
  }

  /**
   * @param {string} id of the list
   * @param {(value: string) => void} set
   */
  #choose(id, set) {
    const list = only(HTMLSelectElement, `#${id}`);
    list.addEventListener("change", () => {
      set(list.value);
      if (this.one) this.#tellDifference(this.one);
      this.chart.redraw();
    });
  }

  /** @param {boolean} stacked */
  #stack(stacked) {
    this.chart.look.stacked = stacked;
    find("as-lines").setAttribute("aria-pressed", String(!stacked));
    find("as-stack").setAttribute("aria-pressed", String(stacked));
    this.chart.redraw();
  }

  #drawChannels() {
    const { off, against } = this.chart.look;
    const all = [...EXPRESSIONS.keys(), VALENCE, RESONANCE];
    const focused = all.findIndex((_, index) => this.channels.children[index] === document.activeElement);
    this.channels.replaceChildren(...all.map((channel) => {
      const chip = make("button", { type: "button", className: "chip" });
      chip.dataset.channel = EXPRESSIONS[channel] ?? (channel === VALENCE ? "valence" : "resonance");
      chip.setAttribute("aria-pressed", String(against ? against.channel === channel : !off.has(channel)));
      chip.append(make("i", { className: "key" }));
      if (channel < VALENCE) chip.append(picture(EXPRESSIONS[channel]));
      chip.append(make("span", { textContent: channelWord(channel) }));
      chip.addEventListener("click", () => this.#toggle(channel));
      return chip;
    }));
    if (focused >= 0) /** @type {HTMLElement} */ (this.channels.children[focused]).focus();
  }

  /** @param {number} channel */
  #toggle(channel) {
    const { look } = this.chart;
    if (look.against) look.against.channel = this.#compared = channel;
    else if (!look.off.delete(channel)) look.off.add(channel);
    this.#drawChannels();
    if (this.one) this.#tellDifference(this.one);
    this.chart.redraw();
  }
}

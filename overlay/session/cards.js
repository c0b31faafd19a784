// The moments of a session as cards: what it was, when it was, and the time to take along.

import { EXPRESSIONS, TAPS } from "../contract.js";
import { find, make, makeSvg, only, picture, tell, write } from "../dom.js";
import { deedOf, said, shareOf, wordOf } from "../figures.js";
import { say } from "../texts.js";
import { indexOf, valuesOf } from "./buckets.js";
import { LEAST_CHAPTERS, chapters, counted, filtered, labelOf, table } from "./chapters.js";
import { timeCode, told } from "./times.js";

/** @import { History } from "../history.js" */
/** @import { Peak } from "./chapters.js" */

/**
 * What the cards need of the page: to show a second on the chart, all moments of the session, and to save a file.
 * @typedef {{ show: (time: number) => void, all: () => Promise<Peak[]>, save: (content: Blob, ending: string) => void,
 *   changed: (listed: Peak[]) => void }} Around
 */

const AROUND_S = 30; // seconds before and after the moment on its card
const SPARK = { width: 240, height: 40 };

/**
 * A share around a moment, as points of a line; gaps are left out.
 *
 * @param {History} history
 * @param {Peak} peak
 */
export function spark({ moments, reactions }, { time, kind, name }) {
  const index = /** @type {readonly string[]} */ (EXPRESSIONS).indexOf(name);
  const [from, to] = [time - AROUND_S, time + AROUND_S + 1];
  /** @type {Map<number, number>} */
  const tapped = new Map();
  for (const one of kind === "tap" ? reactions : []) {
    if (one.kind !== "tap" || one.name !== name || one.time < from || one.time >= to) continue;
    const second = Math.floor(one.time);
    tapped.set(second, Math.min(1, (tapped.get(second) ?? 0) + one.strength));
  }
  return moments.slice(indexOf(moments, from), indexOf(moments, to)).map((moment) => {
    const share = kind === "tap" ? tapped.get(moment.time) ?? 0 : valuesOf(moment, "share")[index];
    return `${((SPARK.width * (moment.time - from)) / (2 * AROUND_S)).toFixed(1)},${(SPARK.height * (1 - share)).toFixed(1)}`;
  }).join(" ");
}

export class Cards {
  /** @type {Set<string>} */
  #names = new Set(); // those listed; empty for all
  /** @type {Peak[]} */
  #peaks = []; // strongest first
  /** @type {History | null} */
  #history = null;
  #start = 0;
  #everything = false; // also what is not among the strongest
  #listed = "";

  /** @param {Around} around */
  constructor(around) {
    this.around = around;
    this.list = find("peaks");
    this.more = only(HTMLButtonElement, "#more-moments");
    find("copy-chapters").addEventListener("click", () => this.#copyChapters());
    find("save-moments").addEventListener("click", () =>
      around.save(new Blob([table(this.#inOrder(), this.#start)], { type: "text/csv" }), "moments.csv"));
    this.more.addEventListener("click", () => this.#showAll());
  }

  /** Whether all moments are asked for, and not the strongest alone. */
  get everything() {
    return this.#everything;
  }

  /** Another session is shown. */
  clear() {
    this.#everything = false;
    this.#names.clear();
    this.#listed = "";
    tell("moments-told", "");
  }

  /**
   * @param {History} history
   * @param {Peak[]} peaks strongest first
   * @param {number} start of the session
   */
  show(history, peaks, start) {
    this.#history = history;
    this.#start = start;
    const listed = JSON.stringify([history.session.number, peaks]);
    if (listed === this.#listed) return; // or a button would lose the focus for nothing
    this.#listed = listed;
    this.#peaks = peaks;
    this.#draw();
  }

  /** Those listed, by time. */
  #inOrder() {
    return filtered(this.#peaks, this.#names).sort((a, b) => a.time - b.time);
  }

  #draw() {
    const listed = this.#inOrder();
    find("peaks-part").hidden = false;
    find("no-moments").hidden = this.#peaks.length > 0;
    this.more.hidden = this.#everything || !this.#peaks.length;
    only(HTMLButtonElement, "#copy-chapters").disabled = only(HTMLButtonElement, "#save-moments").disabled = !listed.length;
    this.#drawFilters();
    this.list.replaceChildren(...listed.map((peak) => this.#card(peak)));
    this.around.changed(listed);
  }

  #drawFilters() {
    const kinds = counted(this.#peaks, [...EXPRESSIONS, ...TAPS]);
    const chips = [{ name: "", count: this.#peaks.length }, ...(kinds.length > 1 ? kinds : [])];
    const root = find("moment-filters");
    const focused = root.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset.name : undefined;
    root.hidden = kinds.length < 2;
    root.replaceChildren(...chips.map(({ name, count }) => {
      const on = name ? this.#names.has(name) : !this.#names.size;
      const chip = make("button", { type: "button", className: "chip" });
      chip.dataset.name = name;
      chip.setAttribute("aria-pressed", String(on));
      if (name) chip.append(picture(name));
      chip.append(make("span", { textContent: name ? labelOf(name) : say("session.all") }), make("b", { textContent: String(count) }));
      chip.addEventListener("click", () => this.#filter(name));
      return chip;
    }));
    if (focused !== undefined) only(HTMLElement, `[data-name="${focused}"]`, root).focus();
  }

  /** @param {string} name empty for all */
  #filter(name) {
    if (!name) this.#names.clear();
    else if (!this.#names.delete(name)) this.#names.add(name);
    this.#draw();
  }

  async #showAll() {
    try {
      this.#everything = true;
      this.#peaks = await this.around.all();
      this.#draw();
    } catch (error) {
      this.#everything = false;
      tell("moments-told", said(error), true);
    }
  }

  /** @param {Peak} peak */
  #card(peak) {
    const { time, kind, name, share } = peak;
    const code = timeCode(time - this.#start);
    const show = make("button", { type: "button", className: "moment-show" });
    const title = make("span", { className: "moment-title" });
    title.append(make("b", { textContent: labelOf(name) }),
      make("span", { className: "words", textContent: shareOf(share, kind === "tap" ? deedOf(name) : wordOf(name)) }));
    const when = make("span", { className: "moment-time" });
    when.append(make("b", { textContent: code }), make("span", { className: "words", textContent: told(time, "clock", this.#start) }));
    show.append(picture(name), title, when);
    show.addEventListener("click", () => this.around.show(time));
    const copy = make("button", { type: "button", className: "quiet moment-copy", textContent: say("session.copy_time") });
    copy.setAttribute("aria-label", say("session.copy_time_of", { time: code, moment: labelOf(name) }));
    copy.addEventListener("click", () => this.#copy(code, say("session.copied", { text: code })));
    const item = make("li", { className: "moment" });
    item.dataset.name = name;
    item.append(show);
    const points = this.#history ? spark(this.#history, peak) : "";
    if (points) {
      const middle = SPARK.width / 2;
      item.append(makeSvg("svg", { class: "spark", viewBox: `0 -2 ${SPARK.width} ${SPARK.height + 4}`, "aria-hidden": "true", preserveAspectRatio: "none" },
        makeSvg("line", { x1: middle, x2: middle, y1: 0, y2: SPARK.height }), makeSvg("polyline", { points })));
    }
    item.append(copy);
    return item;
  }

  #copyChapters() {
    const lines = chapters(this.#inOrder(), this.#start);
    const notes = [say("session.copied_chapters", { count: lines.length })];
    if (lines.length < LEAST_CHAPTERS) notes.push(say("session.few_chapters"));
    this.#copy(lines.join("\n"), notes.join(" "));
  }

  /**
   * @param {string} text
   * @param {string} done what is said then
   */
  async #copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      tell("moments-told", done);
    } catch {
      tell("moments-told", ""); // said anew, also where it is the same
      write(find("moments-told"), `${say("session.not_copied")}\n${text}`);
    }
  }
}

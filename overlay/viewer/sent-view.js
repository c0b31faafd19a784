// Everything that was said to the relay, to the letter, for who wants to see that no picture is among it.

import { find, make, only, write } from "../dom.js";
import { say } from "../texts.js";

/** @import { Said, State } from "./state.js" */

export class SentView {
  #details = only(HTMLDetailsElement, "#sent");
  #list = only(HTMLOListElement, "#sent-list");
  #counts = find("sent-counts");
  #copied = find("sent-copied");
  /** @type {Said[]} */
  #shown = [];
  /** @type {State | null} */
  #state = null;

  constructor() {
    this.#details.addEventListener("toggle", () => this.#draw());
    find("sent-copy").hidden = !navigator.clipboard; // on plain http the browser gives pages none
    find("sent-copy").addEventListener("click", async () => {
      const lines = this.#shown.map(({ time, text }) => `${clock(time)} ${text}`);
      await navigator.clipboard.writeText(lines.join("\n")).then(() => write(this.#copied, say("join.sent.copied"))).catch(() => {});
    });
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    if (this.#details.open) this.#draw();
  }

  /** Only what is new is added; who has scrolled up is left there. */
  #draw() {
    if (!this.#state || this.#shown === this.#state.sent) return;
    const { sent, labels } = this.#state;
    const list = this.#list;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    const gone = this.#shown.findIndex((said) => said === sent[0]);
    for (let left = gone < 0 ? list.children.length : gone; left > 0; left--) list.firstElementChild?.remove();
    list.append(...sent.slice(list.children.length).map(({ time, text }) => {
      const item = make("li");
      item.append(make("time", { textContent: clock(time) }), make("code", { textContent: text }));
      return item;
    }));
    this.#shown = sent;
    if (atEnd) list.scrollTop = list.scrollHeight;
    write(this.#counts, say("join.sent.counts", { labels, listed: sent.length }));
  }
}

/** @param {number} time milliseconds of Unix time */
const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });

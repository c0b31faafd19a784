// The dashboard's list of reactions on the page. What stands in it says feed.js.

import { viewersSaid } from "./air.js";
import { find, make, only, picture, write } from "./dom.js";
import { tapOf, wordOf } from "./figures.js";
import { EMPTY, add, shown, tapsOf } from "./feed.js";
import { say } from "./texts.js";

/** @import { Tap } from "./protocol.d.ts" */
/** @import { Reaction } from "./contract.js" */
/** @import { Line } from "./feed.js" */

const ROOM = 8;
const TIME = /** @type {const} */ ({ hour: "numeric", minute: "2-digit", second: "2-digit" });

/** Seconds of a clock that nobody sets. */
const now = () => performance.now() / 1000;

export class FeedList {
  #feed = EMPTY;
  /** @type {Map<number, { item: HTMLElement, drawn: Line | null }>} */
  #items = new Map(); // of the lines that are on the page

  /** @param {Reaction} reaction */
  add(reaction) {
    this.#feed = add(this.#feed, reaction, now());
    this.draw();
  }

  /** Show what holds now: a burst does not stay on top for ever. */
  draw() {
    const rows = shown(this.#feed, now(), ROOM);
    const root = find("reactions");
    const wanted = new Set(rows.map(({ line }) => line.id));
    for (const [id, { item }] of this.#items) {
      if (wanted.has(id)) continue;
      item.remove();
      this.#items.delete(id);
    }
    rows.forEach(({ line, pinned }, index) => {
      const entry = this.#items.get(line.id) ?? { item: make("li"), drawn: null };
      this.#items.set(line.id, entry);
      if (entry.drawn !== line) fill(entry.item, line);
      entry.drawn = line;
      entry.item.toggleAttribute("data-pinned", pinned);
      if (root.children[index] !== entry.item) root.insertBefore(entry.item, root.children[index] ?? null);
    });
    find("no-reactions").hidden = rows.length > 0;
  }
}

/**
 * @param {HTMLElement} item
 * @param {Line} line
 */
function fill(item, line) {
  const at = new Date(1000 * line.time);
  if (!item.firstChild) {
    item.dataset.kind = line.kind;
    item.append(line.kind === "tap" ? make("span", { className: "taps" }) : burst(line), make("time"));
  }
  if (line.kind === "tap") only(HTMLElement, ".taps", item).replaceChildren(...tapsOf(line.counts).map((tap) => chip(tap, line.counts[tap])));
  const time = only(HTMLTimeElement, "time", item);
  time.dateTime = at.toISOString();
  write(time, at.toLocaleTimeString([], TIME));
}

/** @param {Line & { kind: "expression" }} line */
function burst({ name, count }) {
  const row = make("span", { className: "burst" });
  const textContent = say("dashboard.reactions.burst", { viewers: viewersSaid(count), word: wordOf(name) });
  row.append(picture(name), make("span", { textContent }));
  return row;
}

/**
 * @param {Tap} tap
 * @param {number} count
 */
function chip(tap, count) {
  const part = make("span", { className: "tap" });
  const image = picture(tap);
  image.alt = tapOf(tap);
  part.append(image, make("b", { textContent: `×${count.toLocaleString()}` }));
  return part;
}

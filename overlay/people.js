// What the streamer lets others see: the channel in the relay's list, and viewers each other, less whom they hide. And
// what they ask of viewers: whether cameras are taken, and what is to be read before.

import { isOnGrid, isOpening, read } from "./answers.js";
import { find, make, only, tell, write } from "./dom.js";
import { said } from "./figures.js";
import { say } from "./texts.js";

/** @import { Admin } from "./admin.js" */

/**
 * As the relay's JSON tells them.
 * @typedef {{ listed: boolean, grid: boolean, cameras: boolean, notice: string }} Opening
 * @typedef {{ people: string[], more: number, hidden: string[] }} OnGrid
 */

const POLL_MS = 2000;
const MOST_NOTICE = 280; // characters, as docs/protocol.json has it

/**
 * Who is on the grid, in a sentence.
 *
 * @param {OnGrid} grid
 */
export function peopleWords({ people, more }) {
  if (!people.length) return say("dashboard.others.nobody");
  const shown = say("dashboard.others.shown", { count: people.length, number: people.length });
  return more ? `${shown} ${say("dashboard.others.more", { number: more.toLocaleString() })}` : shown;
}

/**
 * What was typed, as a notice is: one paragraph.
 *
 * @param {string} typed
 */
export const noticeOf = (typed) => typed.replace(/\s+/g, " ").trim();

/**
 * How many characters may still be typed, by the relay's count; less than 0 where there are too many.
 *
 * @param {string} typed
 */
export const leftFor = (typed) => MOST_NOTICE - [...noticeOf(typed)].length;

export class People {
  /** @type {Promise<unknown>} */
  #last = Promise.resolve(); // the change that was asked for last

  /** @param {Admin} admin */
  constructor(admin) {
    this.admin = admin;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.drawn = "";
    this.listed = only(HTMLInputElement, "#listed");
    this.grid = only(HTMLInputElement, "#grid");
    this.cameras = only(HTMLInputElement, "#cameras");
    this.notice = only(HTMLTextAreaElement, "#notice");
    this.stored = ""; // the notice that holds
    find("opening-show").addEventListener("click", () => this.#set({}));
    for (const box of [this.listed, this.grid, this.cameras]) {
      box.addEventListener("change", async () => {
        const wanted = box.checked; // what an answer to an earlier change shows meanwhile is another thing
        if (!(await this.#set({ [box.id]: wanted }))) box.checked = !wanted;
      });
    }
    write(find("notice-help"), say("dashboard.others.notice_help", { most: MOST_NOTICE }));
    this.notice.addEventListener("input", () => this.#count());
    find("notice-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say();
    });
  }

  /**
   * Ask for this, and show what then holds. Resolves with whether it was done. One after the other: of two changes at
   * once, the answer to the first could come last, and show what held before the second.
   *
   * @param {Partial<Opening>} wanted
   * @returns {Promise<boolean>}
   */
  #set(wanted) {
    const done = this.#last.then(() => this.#ask(wanted));
    this.#last = done;
    return done;
  }

  /** @param {Partial<Opening>} wanted */
  async #ask(wanted) {
    try {
      const response = await this.admin.request("", "PATCH", wanted);
      if (response) this.#show(await read(response, isOpening));
      tell("opening-told", "");
      return response !== null;
    } catch (error) {
      tell("opening-told", `${say("dashboard.unchanged")} ${said(error)}`, true);
      return false;
    }
  }

  /** @param {Opening} opening */
  #show({ listed, grid, cameras, notice }) {
    this.listed.checked = listed;
    this.grid.checked = grid;
    this.cameras.checked = cameras;
    if (noticeOf(this.notice.value) === this.stored) this.notice.value = notice; // else it is being changed
    this.stored = notice;
    this.#count();
    find("opening-show").hidden = true;
    find("opening").hidden = false;
    only(HTMLElement, ".opening").toggleAttribute("data-wide", grid);
    find("on-grid").hidden = !grid;
    clearTimeout(this.timer);
    if (grid) this.#follow();
  }

  #count() {
    const left = leftFor(this.notice.value);
    write(find("notice-left"), `${MOST_NOTICE - left}/${MOST_NOTICE}`);
    this.notice.setCustomValidity(left < 0 ? find("notice-help").textContent ?? "" : "");
  }

  /** Tell viewers from now on what was typed. */
  async #say() {
    const notice = noticeOf(this.notice.value);
    if (!(await this.#set({ notice }))) return;
    this.notice.value = notice;
    this.#count();
    tell("opening-told", say(notice ? "dashboard.others.notice_saved" : "dashboard.others.notice_gone"));
  }

  /** Show who is on the grid, for as long as it is allowed. */
  async #follow() {
    const turn = this.timer = setTimeout(() => this.#follow(), POLL_MS);
    if (document.hidden) return;
    try {
      const response = await this.admin.look("people");
      if (turn !== this.timer) return; // it was taken back meanwhile
      if (response) this.#draw(await read(response, isOnGrid));
      else this.#close();
    } catch {
      // The line on top says that the relay is away; the next look tries again.
    }
  }

  /** The key opens this no more: what holds now is unknown, and is shown to who gives the new one. */
  #close() {
    clearTimeout(this.timer);
    find("opening").hidden = true;
    find("opening-show").hidden = false;
  }

  /** @param {OnGrid} grid */
  #draw(grid) {
    const text = JSON.stringify(grid);
    if (text === this.drawn) return; // so that a button keeps the focus
    this.drawn = text;
    write(find("on-grid-words"), peopleWords(grid));
    find("on-grid-names").replaceChildren(
      ...[...new Set(grid.people)].map((name) => this.#item(name, true)),
      ...grid.hidden.map((name) => this.#item(name, false)),
    );
  }

  /**
   * @param {string} name
   * @param {boolean} shown
   */
  #item(name, shown) {
    const item = make("li", { className: shown ? "" : "hidden-name" });
    const deed = shown ? say("dashboard.others.hide") : say("dashboard.others.show");
    const ariaLabel = say("dashboard.others.of", { deed, name });
    const button = make("button", { type: "button", className: "quiet", textContent: deed, ariaLabel });
    button.addEventListener("click", () => this.#hide(name, shown));
    item.append(make("span", { textContent: name, dir: "auto" }), button);
    return item;
  }

  /**
   * @param {string} name
   * @param {boolean} hidden
   */
  async #hide(name, hidden) {
    try {
      await this.admin.request("hidden", "PUT", { name, hidden });
      tell("opening-told", hidden ? say("dashboard.others.hidden", { name }) : say("dashboard.others.again", { name }));
      clearTimeout(this.timer);
      this.#follow();
    } catch (error) {
      tell("opening-told", `${say("dashboard.unchanged")} ${said(error)}`, true);
    }
  }
}

// What the streamer does on the dashboard: measure the viewers' delay, mark a moment, try the overlay out, name and
// delete sessions.

import { isMeasured, read } from "./answers.js";
import { EXPRESSIONS, TAPS } from "./contract.js";
import { answered, dialogOf, inputOf } from "./dialogs.js";
import { find, only, tell } from "./dom.js";
import { clock, condition, said, tapOf, wordOf } from "./figures.js";
import { request } from "./requests.js";
import { say } from "./texts.js";

/** @import { Admin } from "./admin.js" */
/** @import { History } from "./history.js" */

/**
 * What a countdown has measured, as the relay's JSON tells it. Times in seconds; `median` is null while too few answered.
 * @typedef {{ zero: number | null, open_s: number, answers: number, median: number | null, min_viewers: number,
 *   crowd?: string }} Measured
 */

/**
 * The session on the chart, whether that one runs, and what is called after a change.
 * @typedef {{ shown: () => History | null, isRunning: () => boolean, changed: () => Promise<void> }} Shown
 */

const POLL_MS = 2000;

/**
 * What a delay was measured to be, in a sentence.
 *
 * @param {Measured} measured
 */
export function delayWords({ zero, open_s: open, answers, median, ...least }) {
  if (zero === null) return say("dashboard.delay.none");
  const told = { count: answers, number: answers.toLocaleString(), seconds: (median ?? 0).toFixed(1) };
  const result = answers && median !== null
    ? [say("dashboard.delay.measured", told)]
    : [...(open > 0 ? [] : [say("dashboard.delay.too_few")]), condition("common.delay_once", least)];
  return [...result, ...(open > 0 ? [say("dashboard.delay.open", { time: clock(open) })] : [])].join(" ");
}

/**
 * What is lost with a session.
 *
 * @param {History} history
 * @param {boolean} isRunning
 */
export function lossWords({ session, moments, reactions, markers }, isRunning) {
  /** @param {unknown[]} list */
  const counted = ({ length: count }) => ({ count, number: count.toLocaleString() });
  const parts = [
    say("session.lost_seconds", counted(moments)),
    say("session.lost_reactions", counted(reactions)),
    say("session.lost_markers", counted(markers)),
  ];
  const { number } = session;
  const name = session.name ? say("session.named", { number, name: session.name }) : number;
  return [
    say("session.lost", { name, parts: parts.join(say("common.and")) }),
    ...(isRunning ? [say("session.lost_running")] : []),
    say("session.lost_save"),
  ].join(" ");
}

export class Controls {
  /**
   * @param {string} channel
   * @param {string} key the display key
   * @param {Admin} admin
   * @param {Shown} history
   */
  constructor(channel, key, admin, history) {
    this.channel = channel;
    this.key = key;
    this.admin = admin;
    this.history = history;
    /** @type {number | undefined} */
    this.timer = undefined;
    find("countdown").addEventListener("click", () => this.startCountdown());
    find("rehearse").addEventListener("click", () => this.rehearse());
    only(HTMLSelectElement, "#rehearsed").append(...TAPS.map((name) => new Option(tapOf(name), name)),
      ...EXPRESSIONS.map((name) => new Option(wordOf(name), name)));
    find("mark").addEventListener("submit", (event) => {
      event.preventDefault();
      this.mark();
    });
    find("rename").addEventListener("click", () => this.#rename());
    find("delete").addEventListener("click", () => this.#delete());
  }

  /** Show what the countdown measures, until viewers may no longer answer. */
  async followCountdown() {
    clearTimeout(this.timer);
    const turn = this.timer = setTimeout(() => this.followCountdown(), POLL_MS);
    try {
      const result = await read(await request(this.channel, this.key, "countdown"), isMeasured);
      if (turn !== this.timer) return; // asked again meanwhile
      tell("delay", delayWords(result));
      only(HTMLButtonElement, "#countdown").disabled = result.open_s > 0;
      if (result.open_s <= 0) clearTimeout(turn);
    } catch {
      // The line on top says that the relay is away; the next look tries again.
    }
  }

  async startCountdown() {
    if (only(HTMLButtonElement, "#countdown").disabled) return;
    try {
      await request(this.channel, this.key, "countdown", "POST", {});
      this.followCountdown();
    } catch (error) {
      tell("delay", said(error), true);
    }
  }

  /** Show a reaction that nobody had on the overlay. */
  async rehearse() {
    const { value: name } = only(HTMLSelectElement, "#rehearsed");
    try {
      if (!(await this.admin.request("rehearsal", "POST", { name }))) return;
      tell("rehearse-told", say("dashboard.test.done"));
    } catch (error) {
      tell("rehearse-told", `${say("dashboard.test.failed")} ${said(error)}`, true);
    }
  }

  /** Mark this moment, with the text in the field; without one with the time. */
  async mark() {
    const input = only(HTMLInputElement, "#marker");
    const written = input.value;
    const text = written.trim() || say("dashboard.mark.at", { time: new Date().toLocaleTimeString() });
    input.value = ""; // at once: a second key press is another marker
    await this.#change("marked", say("dashboard.mark.failed"), async () => {
      let isMarked = false;
      try {
        isMarked = (await this.admin.request("markers", "POST", { text })) !== null;
      } finally {
        if (!isMarked) input.value ||= written; // before anything else is asked of the relay
      }
      return isMarked ? say("dashboard.mark.done", { text }) : "";
    });
  }

  async #rename() {
    const session = this.history.shown()?.session;
    if (!session) return;
    const dialog = dialogOf("rename");
    const input = inputOf(dialog);
    input.value = session.name ?? "";
    if (!(await answered(dialog))) return;
    const name = input.value.trim();
    const { number } = session;
    await this.#change("changed", say("session.not_renamed"), async () =>
      (await this.admin.request(`sessions/${number}`, "PATCH", { name })) &&
        say(name ? "session.renamed" : "session.unnamed", { number, name }));
  }

  async #delete() {
    const shown = this.history.shown();
    if (!shown) return;
    const { number } = shown.session;
    find("delete-text").textContent = lossWords(shown, this.history.isRunning());
    if (!(await answered(dialogOf("delete")))) return;
    await this.#change("changed", say("session.not_deleted"), async () =>
      (await this.admin.request(`sessions/${number}`, "DELETE")) && say("session.deleted", { number }));
  }

  /**
   * Do it, show the new state, and tell what came of it; nothing where the streamer thought better of it.
   *
   * @param {string} place id of the element that tells
   * @param {string} failure
   * @param {() => Promise<string | null>} work
   */
  async #change(place, failure, work) {
    try {
      tell(place, (await work()) || "");
      await this.history.changed();
    } catch (error) {
      tell(place, `${failure}. ${said(error)}`, true);
    }
  }
}

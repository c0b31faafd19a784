// What the streamer does on the dashboard: measure the viewers' delay, mark a moment, name and delete sessions.

import { find, only, write } from "./dom.js";
import { clock, condition, said } from "./figures.js";
import { Refused, request } from "./requests.js";

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
 * @param {number} number
 * @param {string} one
 */
const counted = (number, one, many = `${one}s`) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

/**
 * @param {string} id
 * @param {string} text
 */
function tell(id, text, wrong = false) {
  const element = find(id);
  element.classList.toggle("refused", wrong);
  write(element, text);
}

/** @param {string} name */
const dialogOf = (name) => only(HTMLDialogElement, `#${name}-dialog`);
/** @param {ParentNode} parent */
const inputOf = (parent) => only(HTMLInputElement, "input", parent);

/**
 * Open a dialog; resolves with whether its form was sent. Escape and its Cancel button close it.
 *
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<boolean>}
 */
function answered(dialog) {
  const form = only(HTMLFormElement, "form", dialog);
  dialog.returnValue = "";
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      dialog.close("sent");
    };
    only(HTMLElement, "[data-cancel]", dialog).onclick = () => dialog.close();
    dialog.onclose = () => resolve(dialog.returnValue === "sent");
    dialog.showModal();
  });
}

/**
 * What a delay was measured to be, in a sentence.
 *
 * @param {Measured} measured
 */
export function delayWords({ zero, open_s: open, answers, median, ...least }) {
  if (zero === null) return "Viewers see the stream later than it happens. A countdown on the stream measures by how much.";
  const result = answers && median !== null
    ? `${counted(answers, "viewer")} answered: the median delay is ${median.toFixed(1)} s.`
    : `${open > 0 ? "" : "Too few answered the last countdown. "}The median delay is shown once ${condition(least, "answer")}.`;
  return open > 0 ? `${result} Viewers may still answer for ${clock(open)}.` : result;
}

/**
 * What is lost with a session.
 *
 * @param {History} history
 * @param {boolean} isRunning
 */
export function lossWords({ session, moments, reactions, markers }, isRunning) {
  const parts = [
    counted(moments.length, "second of mood", "seconds of mood"),
    counted(reactions.length, "reaction"),
    counted(markers.length, "marker"),
  ];
  const name = session.name ? `${session.number}, “${session.name}”,` : `${session.number}`;
  const then = isRunning ? " It is the running session: a new one begins in its place." : "";
  return `Session ${name} goes for good, for everyone: ${parts.join(", ")}.${then} Save it as CSV or JSON first if in doubt.`;
}

export class Controls {
  /**
   * @param {string} channel
   * @param {string} key the display key; what needs the admin key asks for that
   * @param {Shown} history
   */
  constructor(channel, key, history) {
    this.channel = channel;
    this.key = key;
    this.adminKey = ""; // in memory alone: never stored, never in an address
    this.history = history;
    /** @type {number | undefined} */
    this.timer = undefined;
    find("countdown").addEventListener("click", () => this.#startCountdown());
    find("mark").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#mark();
    });
    find("rename").addEventListener("click", () => this.#rename());
    find("delete").addEventListener("click", () => this.#delete());
  }

  /** Show what the countdown measures, until viewers may no longer answer. */
  async followCountdown() {
    clearTimeout(this.timer);
    const turn = this.timer = setTimeout(() => this.followCountdown(), POLL_MS);
    try {
      /** @type {Measured} */
      const result = await (await request(this.channel, this.key, "countdown")).json();
      if (turn !== this.timer) return; // asked again meanwhile
      tell("delay", delayWords(result));
      only(HTMLButtonElement, "#countdown").disabled = result.open_s > 0;
      if (result.open_s <= 0) clearTimeout(turn);
    } catch {
      // The line on top says that the relay is away; the next look tries again.
    }
  }

  async #startCountdown() {
    try {
      await request(this.channel, this.key, "countdown", "POST", {});
      this.followCountdown();
    } catch (error) {
      tell("delay", said(error), true);
    }
  }

  async #mark() {
    const input = only(HTMLInputElement, "#marker");
    const text = input.value.trim();
    await this.#change("marked", "The moment was not marked", async () => {
      if (!(await this.#asAdmin("markers", "POST", { text }))) return "";
      input.value = "";
      return `Marked: ${text}`;
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
    await this.#change("changed", "The session was not renamed", async () =>
      (await this.#asAdmin(`sessions/${session.number}`, "PATCH", { name })) &&
        `Session ${session.number} ${name ? `is called “${name}”` : "has no name"} now.`);
  }

  async #delete() {
    const shown = this.history.shown();
    if (!shown) return;
    const { number } = shown.session;
    find("delete-text").textContent = lossWords(shown, this.history.isRunning());
    if (!(await answered(dialogOf("delete")))) return;
    await this.#change("changed", "The session was not deleted", async () =>
      (await this.#asAdmin(`sessions/${number}`, "DELETE")) && `Session ${number} is deleted.`);
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

  /**
   * A request with the admin key, which is asked for until it is right; null when the streamer gives up.
   *
   * @param {string} path below the channel
   * @param {string} method
   * @param {object} [body] sent as JSON
   */
  async #asAdmin(path, method, body) {
    const dialog = dialogOf("admin");
    const input = inputOf(dialog);
    tell("admin-refused", "");
    for (;;) {
      if (!this.adminKey) {
        input.value = "";
        const given = await answered(dialog);
        this.adminKey = given ? input.value.trim() : "";
        input.value = "";
        if (!this.adminKey) return null;
      }
      try {
        return await request(this.channel, this.adminKey, path, method, body);
      } catch (error) {
        if (!(error instanceof Refused) || (error.status !== 401 && error.status !== 403)) throw error;
        this.adminKey = "";
        tell("admin-refused", said(error), true);
      }
    }
  }
}

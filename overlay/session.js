// The dashboard's part of what is stored: the list of sessions, the chart of one, its strongest moments, its exports.
// A running session goes on with what the live events tell.

import { isDuring, isHistory, isPeaks, isSessions, read } from "./answers.js";
import { find, make, only, write } from "./dom.js";
import { clock, said } from "./figures.js";
import { missed, momentOf } from "./history.js";
import { request } from "./requests.js";
import { Cards } from "./session/cards.js";
import { Chart } from "./session/chart.js";
import { moved } from "./session/compare.js";
import { Tools } from "./session/tools.js";
import { isolated, say } from "./texts.js";

/** @import { Check } from "./answers.js" */
/** @import { Reaction } from "./contract.js" */
/** @import { History, Session } from "./history.js" */
/** @import { Marker, Mood } from "./protocol.d.ts" */
/** @import { Peak } from "./session/chapters.js" */

/** @typedef {Session & { seconds: number }} Listed */

/**
 * What the page around it does: tell a problem, and say whether the line to the relay is open.
 * @typedef {{ alert: (text: string) => void, connected: () => boolean }} Page
 */

const REDRAW_MS = 2000;
const PEAKS_MS = 10_000; // between two looks for new peaks of the running session
const LOOK_AGAIN_MS = 2000; // for a session that has just begun

/** @param {number} seconds Unix time */
const timeOf = (seconds) => new Date(1000 * seconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export class Sessions {
  /** @type {Listed[]} */
  #listed = []; // as the relay lists them, newest first
  /** @type {History | null} */
  #shown = null; // on the chart
  /** @type {number | null | undefined} */
  #running = null; // number of the session that runs now
  /** @type {Marker[]} */
  #heard = []; // its markers, as they came: it is then in the history, also while too few share
  #redraw = false;
  #lookedAt = 0;
  #peaksAt = 0;
  /** @type {{ number: number, done: Promise<void> } | null} */
  #loading = null;

  /**
   * @param {string} channel
   * @param {string} key the display key
   * @param {Page} page
   */
  constructor(channel, key, page) {
    this.channel = channel;
    this.key = key;
    this.page = page;
    this.chart = new Chart(find("chart"), (whole) => this.tools.moved(whole));
    this.tools = new Tools(this.chart);
    this.cards = new Cards({
      show: (time) => this.#show(time),
      all: () => this.#fetchPeaks(Number(this.#shown?.session.number), true),
      save: (content, ending) => this.#save(content, ending),
      changed: (listed) => {
        this.chart.peaks = listed;
        this.chart.redraw();
      },
    });
    this.chosen = only(HTMLSelectElement, "#sessions");
    this.against = only(HTMLSelectElement, "#against");
    this.onASession = ["rename", "delete"].map((id) => only(HTMLButtonElement, `#${id}`)); // need one
    this.chosen.addEventListener("change", () => {
      write(find("changed"), "");
      this.#load(Number(this.chosen.value)).catch((error) => this.#notRead(error));
    });
    this.against.addEventListener("change", () => this.#compare().catch((error) => this.#notRead(error)));
    for (const kind of ["csv", "json", "png"]) {
      only(HTMLButtonElement, `[data-export=${kind}]`).addEventListener("click", () =>
        this.#export(kind).catch((error) => page.alert(say("session.not_saved", { why: said(error) }))));
    }
    setInterval(() => {
      if (!this.#redraw || document.hidden || !this.#shown) return;
      this.#redraw = false;
      this.chart.draw(this.#shown);
    }, REDRAW_MS);
    this.refresh(); // what is stored does not wait for the line to what is live
  }

  /** The history on the chart. */
  get shown() {
    return this.#shown;
  }

  /** The history on the chart where that is of the running session. */
  get live() {
    return this.#shown && this.#shown.session.number === this.#running ? this.#shown : null;
  }

  /**
   * Add what the live events tell to the running session's chart, instead of fetching all of it again and again.
   *
   * @param {Mood} mood
   */
  mood(mood) {
    const moment = momentOf(mood);
    const listed = this.#listed.some((session) => session.number === this.#running);
    if ((moment || this.#heard.length) && !listed && Date.now() - this.#lookedAt > LOOK_AGAIN_MS) this.refresh();
    const history = this.live;
    if (!moment || !history || !isDuring(history.session, moment.time)) return;
    const last = history.moments[history.moments.length - 1];
    if (last && last.time >= moment.time) return;
    history.moments.push(moment);
    this.#redraw = true;
    if (Date.now() - this.#peaksAt > PEAKS_MS) {
      const { number } = history.session;
      this.#fetchPeaks(number, this.cards.everything)
        .then((peaks) => this.#showPeaks(number, peaks)).catch(() => {}); // the next look tries again
    }
  }

  /** @param {Reaction} reaction */
  reaction(reaction) {
    const history = this.live;
    if (history && isDuring(history.session, reaction.time)) history.reactions.push(reaction);
  }

  /** @param {Marker} marker */
  marker(marker) {
    this.#heard.push(marker);
    const history = this.live;
    if (!history || !isDuring(history.session, marker.time)) return;
    history.markers.push(marker);
    this.#redraw = true;
  }

  /**
   * What runs may have changed.
   *
   * @param {number | null | undefined} running number of the session that runs now
   */
  status(running) {
    if (typeof this.#running === "number" && this.#running !== running) this.#heard = []; // else of the one just begun
    this.#running = running;
    this.refresh();
  }

  /** List the sessions anew; show the newest unless the streamer looks at an older one. */
  async refresh() {
    this.#lookedAt = Date.now();
    try {
      const listed = (await this.#fetch("sessions", isSessions)).sessions;
      listed.sort((a, b) => b.number - a.number);
      const before = this.#loading?.number ?? this.#shown?.session.number; // what is on its way was chosen
      const stays = listed.some((session) => session.number === before);
      const followed = !stays || before === this.#listed[0].number;
      this.#listed = listed;
      this.#showList(before);
      const wanted = followed || before === undefined ? listed[0] : listed.find(({ number }) => number === before);
      if (wanted && !this.#isStill(wanted)) await this.#load(wanted.number);
    } catch (error) {
      if (this.page.connected()) this.#notRead(error);
    }
  }

  /**
   * Whether all of a session is shown already: one that has ended does not change but for its name.
   *
   * @param {Listed} session
   */
  #isStill({ number, ended, name }) {
    const shown = this.#shown?.session;
    return shown?.number === number && ended !== null && shown.ended === ended && (shown.name || "") === (name || "");
  }

  /** @param {number} [chosen] */
  #showList(chosen) {
    const none = !this.#listed.length;
    this.chosen.disabled = none;
    this.chosen.replaceChildren(...this.#listed.map((session) => this.#option(session)));
    if (this.#listed.some(({ number }) => number === chosen)) this.chosen.value = String(chosen);
    if (this.#shown) this.#showOthers();
    find("no-history").hidden = !none;
    find("session").hidden = none;
    this.onASession.forEach((button) => (button.disabled = none));
    if (none) this.#shown = null;
  }

  /** Those that the shown one can be compared with. */
  #showOthers() {
    const { value } = this.against;
    const others = this.#listed.filter(({ number }) => number !== this.#shown?.session.number);
    this.against.replaceChildren(this.against.options[0], ...others.map((session) => this.#option(session)));
    this.against.value = others.some(({ number }) => String(number) === value) ? value : "";
    this.against.disabled = !others.length;
  }

  /** Put the chosen session beside the shown one. */
  async #compare() {
    const one = this.#shown;
    const number = Number(this.against.value);
    if (!one) return;
    const other = number ? await this.#fetch(`sessions/${number}`, isHistory) : null;
    if (this.#shown !== one || Number(this.against.value) !== number) return; // chosen anew meanwhile
    this.tools.compare(one, other && moved(other, this.chart.start));
  }

  /** @param {Listed} session */
  #option({ number, name, started, seconds }) {
    const day = new Date(1000 * started).toLocaleDateString([], { day: "numeric", month: "short" });
    const length = number === this.#running ? say("session.live_now") : clock(seconds);
    return new Option(`${isolated(name || String(number))} · ${day}, ${timeOf(started)} · ${length}`, String(number));
  }

  /** @param {string} path below the channel */
  #ask(path) {
    return request(this.channel, this.key, path);
  }

  /**
   * @template Answer
   * @param {string} path below the channel
   * @param {Check<Answer>} is what is expected
   */
  async #fetch(path, is) {
    return read(await this.#ask(path), is);
  }

  /** @param {unknown} error */
  #notRead(error) {
    this.page.alert(say("session.not_read", { why: said(error) }));
  }

  /**
   * Save the shown session. A plain link would not do: it can't send the key in a header.
   *
   * @param {string} kind csv, json or png
   */
  async #export(kind) {
    const history = this.#shown;
    if (!history) return;
    const { number, name, started } = history.session;
    if (kind !== "png") return this.#save(await (await this.#ask(`sessions/${number}.${kind}`)).blob(), kind);
    const when = new Date(1000 * started).toLocaleString([], { dateStyle: "long", timeStyle: "short" });
    return this.#save(await this.chart.picture({ title: `${this.channel}: ${name || say("session.numbered", { number })}`, details: when }), kind);
  }

  /**
   * @param {Blob} content
   * @param {string} ending of the file's name
   */
  #save(content, ending) {
    const name = `${this.channel}-session-${this.#shown?.session.number}.${ending}`;
    const link = make("a", { href: URL.createObjectURL(content), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /**
   * Who asks for what comes already waits for the same: a session of hours is megabytes.
   *
   * @param {number} number
   */
  async #load(number) {
    if (this.#loading?.number !== number) {
      const done = this.#loadAnew(number).finally(() => {
        if (this.#loading?.done === done) this.#loading = null;
      });
      this.#loading = { number, done };
    }
    await this.#loading.done;
  }

  /** @param {number} number */
  async #loadAnew(number) {
    const everything = this.cards.everything && this.#shown?.session.number === number;
    const found = this.#fetchPeaks(number, everything);
    found.catch(() => {}); // told below, where the history is there
    const history = await this.#fetch(`sessions/${number}`, isHistory);
    if (this.#loading?.number !== number) return; // another session was chosen meanwhile
    if (number === this.#running) history.markers.push(...missed(history.markers, this.#heard));
    const before = this.#shown?.session.number;
    this.#shown = history;
    this.chosen.value = String(number);
    if (before !== number) {
      this.cards.clear();
      this.chart.peaks = [];
    }
    this.#showOthers();
    this.chart.draw(history);
    await Promise.all([found.then((peaks) => this.#showPeaks(number, peaks)), this.#compare()]);
  }

  /**
   * @param {number} number
   * @param {boolean} everything also what is not among the strongest
   */
  async #fetchPeaks(number, everything) {
    this.#peaksAt = Date.now();
    return (await this.#fetch(`sessions/${number}/peaks${everything ? "?all=1" : ""}`, isPeaks)).peaks;
  }

  /**
   * @param {number} number of the session whose they are
   * @param {Peak[]} peaks
   */
  #showPeaks(number, peaks) {
    const history = this.#shown;
    if (history?.session.number === number) this.cards.show(history, peaks, this.chart.start); // else chosen meanwhile
  }

  /** @param {number} time of a moment */
  #show(time) {
    this.chart.show(time);
    find("chart").scrollIntoView({ block: "nearest" });
  }
}

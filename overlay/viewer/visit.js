// One viewer's visit to a channel: what is said to the relay, and when, and what becomes of its answers.
// agent/client.py does the same for the agent. Pure: the line, the time (in seconds of a steady clock) and chance are
// passed in, and nothing happens by itself but in `tick`, which a worker calls also while the page is hidden.

import { SILENCE_S } from "../connection.js";
import { retries } from "../contract.js";
import { CLIENT, PROTOCOL } from "../reading/constants.js";
import { promisesLess } from "./consent.js";
import { read } from "./messages.js";
import { Allowance, Backoff, Notes, Sender } from "./sending.js";

/** @import { Countdown, Error as ErrorMessage, Mood, People, RelayToViewer, Tap, ViewerToRelay, Welcome } from "../protocol.d.ts" */
/** @import { Promised } from "./consent.js" */
/** @import { Reading } from "./sending.js" */

/**
 * How a visit stands. `code` is the contract's name for why (`full`, `wrong_password`), or `no_answer`, `broken`,
 * `silent`, `promises_less`; `message` the relay's own sentence, if it said one.
 * @typedef {{ link: "off" | "joining" | "joined" | "lost" | "refused", code: string, message: string }} State
 */

/**
 * The way to the relay. None of it may call back before it has returned, and after `close` it is silent.
 * @typedef {object} Line
 * @property {string} path of the channel's addresses on the relay
 * @property {(body: string) => void} ask for a ticket; `asked` or `declined` comes
 * @property {() => void} connect; `opened`, `heard` and `ended` come
 * @property {(text: string) => void} write
 * @property {() => number} waiting bytes that the network has not taken yet
 * @property {() => void} close whatever is open or under way
 */

/**
 * No ticket. `code` is the contract's number, 0 where none was said; `wait` what the relay asks for, in seconds.
 * @typedef {{ code: number, message: string, wait: number }} Declined
 */

/**
 * @typedef {object} Hooks
 * @property {(state: State) => void} onState
 * @property {(welcome: Welcome) => void} onWelcome
 * @property {(mood: Mood) => void} onMood
 * @property {(people: People) => void} onPeople
 * @property {(text: string) => void} onSaid each request and message to the relay, to the letter, but for ticket and password
 * @property {(untilMs: number | null, countdown: Countdown | null) => void} onCountdown until when `tapZero` does something,
 *   null when no more; after a loss the relay tells of the same one again, whose `zero` is the same
 * @property {(seconds: number) => void} onDelay it was measured
 * @property {(cameras: boolean) => void} onCameras whether the channel takes labels; false: the camera goes off at once
 * @property {(shown: boolean) => void} onShown on the grid, or no more
 * @property {(message: string) => void} onNote the relay objects to something; not more of them than a viewer can read
 */

/** @type {Readonly<{ [code: number]: string }>} */
const CODES = PROTOCOL.CODES;
const AGENT = "moodcast-page";
const HIDDEN = "…"; // in place of a ticket or password, where a viewer reads what was sent

/**
 * A question for a ticket, as the viewer reads it.
 *
 * @param {string} path of the channel's addresses on the relay
 * @param {string} password
 */
export const question = (path, password) =>
  `POST ${path}/tickets ${JSON.stringify(password && { password: HIDDEN } || {})}`;

const SLEPT_S = 5; // without a tick: the page stood still, and what came meanwhile is not read yet

export class Visit {
  /** @type {"off" | "asking" | "connecting" | "greeting" | "joined" | "waiting" | "refused"} */
  #phase = "off";
  #backoff;
  #dueAt = Infinity; // when the phase has taken too long, or is over
  #tickedAt = 0;
  #heardAt = 0;
  /** @type {number | null} */
  #welcomedAt = null;
  #sender = new Sender();
  #allowance = new Allowance();
  #notes = new Notes();
  #ticket = "";
  /**
   * What goes out before the next label; none of it is kept for another connection.
   * @type {ViewerToRelay[]}
   */
  #first = [];
  #wantsShown = false;
  #isLooking = false;
  #mayBeShown = false;
  #granted = 0;
  #paused = false;
  #cameras; // whether the channel takes labels, as the viewer was told last
  #observes = false;
  #openUntil = -Infinity;
  /** @type {State} */
  #state = { link: "off", code: "", message: "" };

  /**
   * @param {{ password: string, name: string, delay: number, agreed: Promised & { cameras?: boolean } }} settings
   *   `agreed`: what the viewer was told when asked
   * @param {Line} line
   * @param {Hooks} hooks
   * @param {() => number} [uniform] random numbers in [0, 1)
   */
  constructor(settings, line, hooks, uniform = Math.random) {
    this.settings = settings;
    this.line = line;
    this.hooks = hooks;
    this.#cameras = settings.agreed.cameras ?? true;
    this.delay = settings.delay; // in seconds, as it was set or measured
    this.#backoff = new Backoff(uniform);
  }

  /** Whether the viewer is shown on the grid, as far as is known here. */
  get isShown() {
    return this.#wantsShown && this.#mayBeShown;
  }

  /** On the way in, or waiting to set out again. */
  get #isUnderWay() {
    return this.#phase !== "off" && this.#phase !== "joined" && this.#phase !== "refused";
  }

  /**
   * Come in, or try again now.
   *
   * @param {number} now
   */
  join(now) {
    if (this.#phase === "joined" || (this.#isUnderWay && this.#phase !== "waiting")) return;
    this.#tell("joining");
    this.#ask(now);
  }

  /** Go, with the label withdrawn; nothing is sent from now on. */
  leave() {
    if (this.#phase === "joined" && this.#sender.sent?.type === "label") this.#write({ type: "away" });
    this.#hangUp();
    this.#phase = "off";
    this.#tell("off");
  }

  /**
   * The newest reading; null while nobody is there, or the viewer pauses.
   *
   * @param {number} now
   * @param {Reading | null} reading
   */
  observe(now, reading) {
    this.#observes = true;
    this.#sender.observe(now, this.#cameras ? reading : null);
    this.#pump(now);
  }

  /**
   * Send a reaction, unless not joined, or more than the relay takes.
   *
   * @param {number} now
   * @param {Tap} kind
   */
  tap(now, kind) {
    if (this.#phase !== "joined" || this.#paused || !this.#allowance.tap(now)) return false;
    this.#say(now, { type: "tap", tap: kind });
    return true;
  }

  /**
   * The viewer sees the countdown reach 0. Without one nothing happens.
   *
   * @param {number} now
   */
  tapZero(now) {
    if (now < this.#openUntil) this.#say(now, { type: "zero" });
  }

  /**
   * Be shown on the grid, also after a new connection, until the streamer takes it back; or no more.
   *
   * @param {number} now
   * @param {boolean} on
   */
  show(now, on) {
    if (on === this.#wantsShown || (on && !this.#mayBeShown)) return;
    this.#say(now, { type: "show", on });
    this.#want(on);
  }

  /**
   * Hear who is shown on the grid, also after a new connection; or no more.
   *
   * @param {number} now
   * @param {boolean} on
   */
  look(now, on) {
    if (on === this.#isLooking) return;
    this.#isLooking = on;
    if (this.#mayBeShown) this.#say(now, { type: "look", on });
  }

  /**
   * Time has passed: call it several times a second.
   *
   * @param {number} now
   */
  tick(now) {
    if (now - this.#tickedAt > SLEPT_S) this.#heardAt = now;
    this.#tickedAt = now;
    if (this.#phase === "joined") {
      if (now - this.#heardAt > SILENCE_S) {
        this.#lose(now, "silent");
        return;
      }
      if (this.#openUntil <= now) this.#closeCountdown();
      this.#pump(now);
    } else if (this.#isUnderWay && now >= this.#dueAt) {
      if (this.#phase === "waiting") this.#ask(now);
      else this.#lose(now, "no_answer");
    }
  }

  /**
   * The relay gives a ticket.
   *
   * @param {number} now
   * @param {string} ticket
   */
  asked(now, ticket) {
    this.#ticket = ticket;
    this.#enter("connecting", now);
    this.line.connect();
    this.hooks.onSaid(`GET ${this.line.path}/viewer`);
  }

  /**
   * The relay gives no ticket, or nothing answers.
   *
   * @param {number} now
   * @param {Declined} why
   */
  declined(now, { code, message, wait }) {
    this.#end(now, code, message, wait);
  }

  /**
   * The line to the relay is open.
   *
   * @param {number} now
   */
  opened(now) {
    this.#enter("greeting", now);
    const { name } = this.settings;
    /** @param {string} ticket */
    const hello = (ticket) => JSON.stringify({
      type: "hello", agent: AGENT, ticket, ...(name && { name }), ...(this.delay && { delay: this.delay }),
    });
    this.line.write(hello(this.#ticket));
    this.hooks.onSaid(hello(HIDDEN));
  }

  /**
   * A frame of the relay.
   *
   * @param {number} now
   * @param {unknown} text
   */
  heard(now, text) {
    this.#heardAt = now;
    const message = read(text);
    if (!message) return; // a newer relay may say more than this page understands
    if (message.type === "bye") this.#end(now, message.code, message.message, message.retry_after_s);
    else if (message.type === "welcome") this.#welcome(now, message);
    else if (message.type === "error") this.#object(now, message);
    else if (this.#phase === "joined") this.#follow(now, message);
  }

  /**
   * The line broke, or the relay closed it.
   *
   * @param {number} now
   * @param {number} code of the close
   */
  ended(now, code) {
    this.#end(now, code);
  }

  /** @param {number} now */
  #ask(now) {
    const { password } = this.settings;
    this.#enter("asking", now);
    this.line.ask(JSON.stringify(password && { password } || {}));
    this.hooks.onSaid(question(this.line.path, password));
  }

  /**
   * A step on the way in, which the relay has so long for.
   *
   * @param {"asking" | "connecting" | "greeting"} phase
   * @param {number} now
   */
  #enter(phase, now) {
    this.#phase = phase;
    this.#dueAt = now + CLIENT.CONNECT_S;
  }

  /**
   * @param {number} now
   * @param {Welcome} welcome
   */
  #welcome(now, welcome) {
    if (this.#phase !== "greeting") return;
    this.hooks.onWelcome(welcome);
    if (promisesLess(welcome, this.settings.agreed)) {
      this.#refuse("promises_less", "");
      return;
    }
    this.#phase = "joined";
    this.#welcomedAt = now;
    this.#allowance = new Allowance();
    // A choice is for the grid that it was made for, which may have been taken back and given again meanwhile.
    const { granted = 0 } = welcome;
    this.#want(this.#wantsShown && granted > 0 && granted === this.#granted);
    this.#granted = granted;
    this.#takeLabels(now, welcome.cameras ?? true); // first: who is told that they joined may open a camera
    this.#tell("joined");
    this.#allow(now, welcome.grid ?? false);
    this.#sender.opened(welcome.heartbeat_s ?? PROTOCOL.HEARTBEAT_S);
    this.#pump(now);
  }

  /**
   * What comes while the viewer is in.
   *
   * @param {number} now
   * @param {RelayToViewer} message
   */
  #follow(now, message) {
    if (message.type === "mood") {
      this.#allow(now, message.grid ?? false);
      this.#takeLabels(now, message.cameras ?? true);
      if (this.#paused && !message.paused) this.#sender.forgotten();
      this.#paused = message.paused ?? false;
      this.hooks.onMood(message);
      this.#pump(now);
    } else if (message.type === "countdown") {
      this.#openUntil = now + message.zero - message.time + PROTOCOL.MAX_DELAY_S;
      this.hooks.onCountdown(1000 * this.#openUntil, message);
    } else if (message.type === "delay") {
      this.delay = message.seconds;
      this.hooks.onDelay(message.seconds);
    } else if (message.type === "people") {
      this.hooks.onPeople(message);
    }
  }

  /**
   * @param {number} now
   * @param {ErrorMessage} error
   */
  #object(now, error) {
    if (CODES[error.code] === "not_shown") this.#want(false);
    if (this.#notes.passes(now)) this.hooks.onNote(error.message);
  }

  /**
   * The streamer allows the grid, or no more; then whoever was shown has to choose it anew.
   *
   * @param {number} now
   * @param {boolean} grid
   */
  #allow(now, grid) {
    if (grid && !this.#mayBeShown) {
      if (this.#wantsShown) this.#say(now, { type: "show", on: true });
      if (this.#isLooking) this.#say(now, { type: "look", on: true });
    }
    this.#mayBeShown = grid;
    this.#want(this.#wantsShown && grid);
  }

  /** @param {boolean} shown */
  #want(shown) {
    if (shown === this.#wantsShown) return;
    this.#wantsShown = shown;
    this.hooks.onShown(shown);
  }

  /**
   * The streamer allows cameras, or no more: then no label is sent, whatever is observed.
   *
   * @param {number} now
   * @param {boolean} cameras
   */
  #takeLabels(now, cameras) {
    if (cameras === this.#cameras) return;
    this.#cameras = cameras;
    if (!cameras && this.#observes) this.#sender.observe(now, null);
    this.hooks.onCameras(cameras);
  }

  /**
   * @param {number} now
   * @param {ViewerToRelay} message
   */
  #say(now, message) {
    if (this.#phase !== "joined") return;
    this.#first.push(message);
    this.#pump(now);
  }

  /**
   * Send what is due. While the network has not taken what went before, nothing is: it waits here, where a newer label
   * replaces it.
   *
   * @param {number} now
   */
  #pump(now) {
    if (this.#phase !== "joined" || this.line.waiting()) return;
    for (const message of this.#first.splice(0)) {
      if (message.type !== "tap") this.#allowance.spend(now); // a tap is paid for
      this.#write(message);
    }
    const label = this.#sender.take(now);
    if (!label) return;
    this.#allowance.spend(now);
    this.#write(label);
  }

  /** @param {ViewerToRelay} message */
  #write(message) {
    const text = JSON.stringify(message);
    this.line.write(text);
    this.hooks.onSaid(text);
  }

  /**
   * What a close code means: come back, or tell the viewer why not.
   *
   * @param {number} now
   * @param {number} code
   * @param {string} [message]
   * @param {number} [wait] what the relay asks for, in seconds
   */
  #end(now, code, message = "", wait = 0) {
    const name = CODES[code] ?? (code === 0 ? "no_answer" : "broken");
    if (retries(code)) this.#lose(now, name, message, wait);
    else this.#refuse(name, message);
  }

  /**
   * @param {number} now
   * @param {string} code
   * @param {string} [message]
   * @param {number} [wait]
   */
  #lose(now, code, message = "", wait = 0) {
    const lasted = this.#welcomedAt === null ? 0 : now - this.#welcomedAt;
    this.#hangUp();
    this.#phase = "waiting";
    this.#dueAt = now + this.#backoff.wait(lasted, wait);
    this.#tell("lost", code, message);
  }

  /**
   * @param {string} code
   * @param {string} message
   */
  #refuse(code, message) {
    this.#hangUp();
    this.#phase = "refused";
    this.#tell("refused", code, message);
  }

  /** The line is closed, and what belonged to it forgotten. */
  #hangUp() {
    this.line.close();
    this.#welcomedAt = null;
    this.#first = [];
    this.#paused = this.#mayBeShown = false;
    this.#sender.closed();
    this.#closeCountdown();
  }

  #closeCountdown() {
    if (this.#openUntil === -Infinity) return;
    this.#openUntil = -Infinity;
    this.hooks.onCountdown(null, null);
  }

  /**
   * @param {State["link"]} link
   * @param {string} [code]
   * @param {string} [message]
   */
  #tell(link, code = "", message = "") {
    const { link: before, code: codeBefore, message: messageBefore } = this.#state;
    if (link === before && code === codeBefore && message === messageBefore) return;
    this.#state = { link, code, message };
    this.hooks.onState(this.#state);
  }
}

// What the page sends, and when: agent/sending.py is the original, and says why. Pure: every method takes the time, in
// seconds of a steady clock, and nothing here touches a socket.
//
// The rules: at most two labels a second; a label when the expression changes and again every heartbeat; `away` once
// when nobody is there; only the newest reading counts, so a slow or lost connection never has a backlog.

import { SENDING } from "../reading/constants.js";

/** @import { Away, Expression, Label } from "../protocol.d.ts" */
/** @typedef {{ expression: Expression, confidence: number }} Reading */

/** @type {Away} */
const AWAY = Object.freeze({ type: "away" });

/** Decides about one viewer's messages. Call `opened` after each welcome and `closed` after each loss. */
export class Sender {
  /** @type {Reading | null} */
  #reading = null;
  #observedAt = -Infinity;
  /** @type {number | null} */
  #heartbeat = null;
  #labelAt = -Infinity;
  /**
   * What the relay has of this viewer now; null before the first message of a connection.
   * @type {Label | Away | null}
   */
  sent = null;

  /**
   * The relay said welcome. It knows nothing of this viewer, so the current reading is due.
   *
   * @param {number} heartbeat in seconds
   */
  opened(heartbeat) {
    this.#heartbeat = heartbeat;
    this.sent = null;
  }

  /** The connection is gone; readings are kept up to date, nothing is due. */
  closed() {
    this.#heartbeat = null;
    this.sent = null;
  }

  /**
   * The newest reading; null while nobody is there. It replaces the one before.
   *
   * @param {number} time
   * @param {Reading | null} reading
   */
  observe(time, reading) {
    this.#reading = reading;
    this.#observedAt = time;
  }

  /** The relay has forgotten what was sent: it is said anew. */
  forgotten() {
    this.sent = null;
  }

  /**
   * The next message if nothing else happens, and when; null if there will be none.
   *
   * @param {number} time
   * @returns {{ at: number, message: Label | Away } | null}
   */
  next(time) {
    if (this.#heartbeat === null || this.#observedAt === -Infinity) return null;
    const staleAt = this.#observedAt + SENDING.STALE_S;
    if (this.#reading && time < staleAt) {
      const step = this.#label(time, this.#reading, this.#heartbeat);
      if (step.at < staleAt) return step;
    }
    if (this.sent?.type === "away") return null;
    return { at: this.#reading ? Math.max(time, staleAt) : time, message: AWAY };
  }

  /**
   * The message that is due by `time`, which counts as sent from now on; null if none is due.
   *
   * @param {number} time
   */
  take(time) {
    const step = this.next(time);
    if (!step || step.at > time) return null;
    this.sent = step.message;
    if (step.message.type === "label") this.#labelAt = time;
    return step.message;
  }

  /**
   * @param {number} time
   * @param {Reading} reading
   * @param {number} heartbeat
   */
  #label(time, { expression, confidence }, heartbeat) {
    // Two decimals are all anyone can use of it, and the less leaves the device the better.
    /** @type {Label} */
    const message = { type: "label", emotion: expression, confidence: Number(confidence.toFixed(2)) };
    const repeated = this.sent?.type === "label" && this.sent.emotion === expression;
    const gap = repeated ? Math.max(heartbeat, SENDING.SPACING_S) : SENDING.SPACING_S;
    return { at: Math.max(time, this.#labelAt + gap), message };
  }
}

/** How many taps the relay takes of one connection: those beyond that are dropped here, not answered by its end. */
export class Allowance {
  #paidAt = -Infinity; // when the relay will have forgotten what was sent so far

  /**
   * A frame that is no tap is sent.
   *
   * @param {number} time
   */
  spend(time) {
    this.#paidAt = Math.max(this.#paidAt, time) + SENDING.FRAME_S;
  }

  /**
   * Whether a tap may be sent at `time`, which then counts as sent.
   *
   * @param {number} time
   */
  tap(time) {
    const paidAt = Math.max(this.#paidAt, time) + SENDING.TAP_S;
    if (paidAt - time > SENDING.TAPS_UP_TO_S) return false;
    this.#paidAt = paidAt;
    return true;
  }
}

/** Which of the sentences that a relay makes the page say are said. */
export class Notes {
  /** @type {number[]} */
  #said = [];

  /**
   * Whether one is said at `time`; the others are dropped.
   *
   * @param {number} time
   */
  passes(time) {
    if (this.#said.length === SENDING.MOST_NOTES) {
      if (time - this.#said[0] < SENDING.NOTES_S) return false;
      this.#said.shift();
    }
    this.#said.push(time);
    return true;
  }
}

/** How long to wait before the next attempt; never less than the relay's hint asks for. */
export class Backoff {
  #failures = 0;

  /** @param {() => number} [uniform] gives random numbers in [0, 1) */
  constructor(uniform = Math.random) {
    this.uniform = uniform;
  }

  /**
   * Seconds to wait after a connection that lasted `lasted` seconds from its welcome on (0 if there was none).
   *
   * @param {number} lasted
   * @param {number} [asked] the relay's hint: about that long, times a random 0.5 to 1.5; no positive number says nothing
   */
  wait(lasted, asked = 0) {
    if (lasted >= SENDING.STEADY_S) this.#failures = 0;
    const ceiling = Math.min(SENDING.LONGEST_WAIT_S, SENDING.FIRST_WAIT_S * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    const hint = asked > 0 ? Math.min(asked, SENDING.LONGEST_HINT_S) * (0.5 + this.uniform()) : 0;
    return Math.max(hint, SENDING.SHORTEST_WAIT_S + this.uniform() * ceiling);
  }
}

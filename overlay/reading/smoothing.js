// From seven probabilities a frame to one steady expression: agent/smoothing.py.

import { PROTOCOL, SMOOTHING } from "./constants.js";

/** @import { Expression } from "../protocol.d.ts" */

/**
 * An expression and its smoothed probability, 0..1.
 *
 * @typedef {{ expression: Expression, confidence: number }} Reading
 */

const { RULES } = SMOOTHING;
const EXPRESSIONS = /** @type {readonly Expression[]} */ (PROTOCOL.EXPRESSIONS);

/** Feed it every frame's result; it answers with the reading, or null while nobody is there. */
export class Smoother {
  /** @type {number[] | null} */
  #averages = null;
  #seen = -Infinity;
  #appeared = -Infinity;
  /** @type {number | null} */
  #shown = null;
  /** @type {number | null} */
  #rival = null;
  #rivalSince = 0;

  /**
   * The reading at `time`.
   *
   * @param {number} time in seconds, never decreasing
   * @param {readonly number[] | null} probabilities seven; null where the frame has no face
   * @returns {Reading | null}
   */
  update(time, probabilities) {
    if (time - this.#seen >= RULES.awayAfterS) {
      this.#averages = this.#shown = this.#rival = null;
      this.#appeared = time;
    }
    if (probabilities) {
      this.#average(time, probabilities);
      this.#seen = time;
    } else if (this.#shown === null) {
      this.#seen = -Infinity; // a face that can be read in single frames only would come and go
    }
    if (!this.#averages || this.#shown === null) return null;
    const confidence = Math.min(1, Math.max(0, this.#averages[this.#shown]));
    return { expression: EXPRESSIONS[this.#shown], confidence };
  }

  /**
   * @param {number} time
   * @param {readonly number[]} probabilities
   */
  #average(time, probabilities) {
    const keep = this.#averages ? Math.exp(-(time - this.#seen) / RULES.timeConstantS) : 0;
    const before = this.#averages ?? probabilities;
    const now = probabilities.map((p, at) => keep * before[at] + (1 - keep) * p);
    this.#averages = now;
    const rival = now.indexOf(Math.max(...now));
    if (this.#shown === null) {
      if (time - this.#appeared >= RULES.holdS) this.#shown = rival;
    } else if (now[rival] < now[this.#shown] * RULES.lead) {
      this.#rival = null;
    } else if (rival !== this.#rival) {
      this.#rival = rival;
      this.#rivalSince = time;
    } else if (time - this.#rivalSince >= RULES.holdS) {
      this.#shown = rival;
      this.#rival = null;
    }
  }
}

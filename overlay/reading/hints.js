// When the viewer is told why nothing is sent: agent/hints.py, with keys of texts for its sentences.

import { HINTS } from "./constants.js";

export const NO_FACE = "no_face";

/** Feed it every frame's outcome. */
export class Hints {
  #faceAt;
  #readAt;
  #toldNoFace = false;
  /** @type {Map<string, number>} */
  #told = new Map();

  /** @param {number} began the time (seconds) at which the first frame was looked for */
  constructor(began) {
    this.#faceAt = this.#readAt = began;
  }

  /**
   * What is to be said at `time`, if anything: `NO_FACE`, or the reason.
   *
   * @param {number} time in seconds, never decreasing
   * @param {boolean} hasFace
   * @param {string | null} unread one of the constants' `UNREAD`
   */
  update(time, hasFace, unread) {
    if (hasFace) {
      this.#faceAt = time;
      this.#toldNoFace = false;
    }
    if (unread !== null) return this.#unread(time, unread);
    if (hasFace) {
      this.#readAt = time;
    } else if (!this.#toldNoFace && time - this.#faceAt >= HINTS.HINT_S) {
      this.#toldNoFace = true;
      return NO_FACE;
    }
    return null;
  }

  /**
   * @param {number} time
   * @param {string} reason
   */
  #unread(time, reason) {
    const toldAt = this.#told.get(reason) ?? -Infinity;
    if (time - this.#readAt < HINTS.HINT_S || time - toldAt < HINTS.AGAIN_S) return null;
    this.#told.set(reason, time);
    return reason;
  }
}

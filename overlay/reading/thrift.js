// How often a slow machine looks: so seldom that looking takes no more than its share of the time.

import { PACE } from "./constants.js";

const SHARE = 0.12;
const COMPARED = 5; // looks: the cheapest of the last few took what it takes, the others waited for other programs
const EARLY_S = 0.5 / PACE.FPS; // frames tremble: half a frame early is in time

export class Thrift {
  #restedAt = -Infinity; // when the share of all looks so far is made up for
  /** @type {number[]} */
  #costs = [];

  /**
   * Whether a look may begin. Once a second one may, and the first few: they are not compiled yet.
   *
   * @param {number} time in seconds, never decreasing
   */
  allows(time) {
    return time >= this.#restedAt - EARLY_S;
  }

  /**
   * @param {number} time at which a look began
   * @param {number} cost how long it took, in seconds
   */
  looked(time, cost) {
    this.#costs = [...this.#costs, cost].slice(-COMPARED);
    if (this.#costs.length < COMPARED) return;
    const rest = Math.min(PACE.QUIET_S, Math.min(...this.#costs) / SHARE);
    this.#restedAt = Math.max(this.#restedAt, time - EARLY_S) + rest;
  }
}

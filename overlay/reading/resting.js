// What a face looks like most of the time, so that features are not taken for feelings: agent/resting.py.

import { PROTOCOL, RESTING } from "./constants.js";

const { RULES, SPAN, BINS } = RESTING;
/** The expressions that are brought down where a face has them at rest: their places, and the log odds they may have. */
const REST = Object.entries(RULES.rest).map(
  ([name, odds]) => /** @type {const} */ ([PROTOCOL.EXPRESSIONS.indexOf(name), odds]));

/** Quantiles of log odds over the last minutes, by a histogram that fades. */
class Usual {
  #weights = new Float64Array(BINS);

  /**
   * What was seen counts `keep` (0..1) of what it did, and `odds` comes on top with this weight.
   *
   * @param {number} odds
   * @param {number} weight
   * @param {number} keep
   */
  add(odds, weight, keep) {
    const at = Math.min(BINS - 1, Math.max(0, Math.trunc(((odds + SPAN) * BINS) / (2 * SPAN))));
    this.#weights = this.#weights.map((old) => keep * old);
    this.#weights[at] += weight;
  }

  /** @param {number} share */
  quantile(share) {
    const wanted = share * this.#weights.reduce((sum, weight) => sum + weight, 0);
    let below = 0;
    for (let at = 0; at < BINS; at++) {
      const upTo = below + this.#weights[at];
      if (upTo >= wanted && upTo > below) return ((at + (wanted - below) / (upTo - below)) * 2 * SPAN) / BINS - SPAN;
      below = upTo;
    }
    return 0;
  }
}

/** Give it each face's probabilities, and it answers with what they mean on this face. Another object knows nothing. */
export class RestingFace {
  #usual = REST.map(() => new Usual());
  #seenS = 0;
  #seenAt = -Infinity;

  /**
   * The seven probabilities of a face seen at `time`. Until the face is known they come back as they are.
   *
   * @param {number} time in seconds, never decreasing
   * @param {readonly number[]} probabilities
   */
  read(time, probabilities) {
    const elapsed = time - this.#seenAt;
    this.#seenAt = time;
    if (elapsed > RULES.forgetAfterS) {
      this.#usual = REST.map(() => new Usual());
      this.#seenS = 0;
    }
    const answer = this.#seenS >= RULES.knownAfterS ? this.#corrected(probabilities) : [...probabilities];
    this.#learn(probabilities, Math.min(elapsed, RESTING.LONGEST_S));
    return answer;
  }

  /** @param {readonly number[]} probabilities */
  #corrected(probabilities) {
    const weighed = [...probabilities];
    REST.forEach(([at, rest], i) => {
      const above = this.#usual[i].quantile(RULES.share) - rest;
      weighed[at] *= Math.exp(-Math.min(RULES.most, Math.max(0, above)));
    });
    const whole = weighed.reduce((sum, p) => sum + p, 0);
    return weighed.map((p) => p / whole);
  }

  /**
   * The less a face rests, the less it counts, and the less it makes what was seen before fade.
   *
   * @param {readonly number[]} probabilities
   * @param {number} seconds
   */
  #learn(probabilities, seconds) {
    const weight = seconds * RESTING.AT_REST.reduce((sum, at) => sum + probabilities[at], 0);
    const keep = Math.exp(-weight / RULES.memoryS), neutral = Math.max(probabilities[RESTING.NEUTRAL], RESTING.LEAST);
    REST.forEach(([at], i) => {
      this.#usual[i].add(Math.log(Math.max(probabilities[at], RESTING.LEAST) / neutral), weight, keep);
    });
    this.#seenS += weight;
  }
}

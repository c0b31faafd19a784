// A made-up audience, so that a streamer can place and style the overlay before anybody watches: ?source=demo

import { EXPRESSIONS, TAPS } from "./contract.js";

/** @import { Message } from "./contract.js" */
/** @import { Expression } from "./protocol.d.ts" */

const VIEWERS = 128;
const TICK_MS = 250;
const SCENE_TICKS = 28;
const BURST_TICK = 4; // within a scene
/**
 * Weights in the order of EXPRESSIONS, and the reaction that starts the scene.
 * @type {[number[], Expression | null][]}
 */
const SCENES = [
  [[1, 1, 0.5, 5, 1, 1, 30], null],
  [[0.5, 0.5, 0.5, 40, 0.5, 4, 8], "happy"],
  [[1, 1, 8, 3, 1, 26, 6], "surprise"],
  [[2, 1, 2, 1, 28, 1, 8], "sad"],
  [[0.5, 0.5, 1, 34, 1, 9, 5], "happy"],
];

/** @param {(message: Message) => void} onMessage gets the same messages as from a relay */
export function play(onMessage) {
  let weights = SCENES[0][0];
  let seq = 0;
  const step = () => {
    const [target, burst] = SCENES[Math.floor(seq / SCENE_TICKS) % SCENES.length];
    weights = weights.map((weight, i) => weight + 0.18 * (target[i] * (0.9 + 0.2 * Math.random()) - weight));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const shares = weights.map((weight) => weight / total);
    const of = (/** @type {Expression} */ name) => shares[EXPRESSIONS.indexOf(name)];
    onMessage({
      type: "mood", seq, time: Date.now() / 1000, visible: true, viewers: VIEWERS + 16, sharing: VIEWERS, min_viewers: 5,
      counts: shares.map((share) => Math.round(VIEWERS * share)), shares,
      valence: of("happy") - of("angry") - of("disgust") - of("fear") - of("sad"),
      resonance: Math.max(...shares.slice(0, -1)) ** 1.5, trend: 0,
    });
    /** @param {number} count */
    const by = (count) => ({ time: Date.now() / 1000, count, strength: count / VIEWERS });
    if (burst && seq % SCENE_TICKS === BURST_TICK) {
      onMessage({ type: "reaction", kind: "expression", name: burst, ...by(40) });
    }
    if (Math.random() < 0.12) {
      onMessage({ type: "reaction", kind: "tap", name: TAPS[seq % TAPS.length], ...by(1 + Math.floor(12 * Math.random())) });
    }
    seq++;
  };
  step();
  setInterval(step, TICK_MS);
}

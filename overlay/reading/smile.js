// Small smiles, decided from the network's answer and the blendshapes of the mouth's corners: models/inference/smile.py.

import { SMILE } from "./constants.js";

/**
 * @typedef {{ odds: number, smile: number, base: number, oddsAlone: number, baseAlone: number, unhappy: number }} Rule
 */

/**
 * The seven probabilities, with that of happy and neutral shared out by the rule; the other five stay.
 *
 * @param {Rule} rule
 * @param {ArrayLike<number>} probabilities
 * @param {ArrayLike<number> | null} shapes the 52 blendshapes; null where there are none
 */
export function decided(rule, probabilities, shapes) {
  const found = Array.from(probabilities);
  const [happy, neutral] = [SMILE.HAPPY, SMILE.NEUTRAL].map((at) => Math.max(found[at], SMILE.LEAST));
  const odds = Math.log(happy / neutral);
  let score = shapes ? rule.odds * odds + rule.smile * corners(shapes) + rule.base : rule.oddsAlone * odds + rule.baseAlone;
  const unhappy = Math.min(SMILE.UNHAPPY.reduce((sum, at) => sum + found[at], 0) / rule.unhappy, 1);
  score += unhappy * Math.min(odds - score, 0);
  const together = found[SMILE.HAPPY] + found[SMILE.NEUTRAL];
  found[SMILE.HAPPY] = together * (1 + Math.tanh(score / 2)) / 2;
  found[SMILE.NEUTRAL] = together - found[SMILE.HAPPY];
  return found;
}

/** @param {ArrayLike<number>} shapes */
function corners(shapes) {
  const mean = SMILE.CORNERS.reduce((sum, at) => sum + shapes[at], 0) / SMILE.CORNERS.length;
  return Math.log(Math.min(SMILE.PLAIN, Math.max(0, mean)) + SMILE.FAINT);
}

// Whether a face's mouth is covered, or the face on its head: agent/covered.py. Its weights stand in the constants.

import { COVERED } from "./constants.js";

const SIZE = COVERED.CROP.size;
const [[TOP, BOTTOM], [LEFT, RIGHT]] = COVERED.MIDDLE;
const KINDS = 6;
/** Cells of the crop in a row: of its edges, and of its light. */
const EDGES = 8, LIGHTS = 12;

/** Two rows of weights, the last of each is added. */
const WEIGHTS = new Float32Array(Uint8Array.from(atob(COVERED.WEIGHTS), (byte) => byte.charCodeAt(0)).buffer);

/**
 * Of a grey crop: that the mouth is covered, and that the face is on its head, if above 0.
 *
 * @param {Uint8Array} face
 */
export function scores(face) {
  const found = measured(face), row = found.length + 1;
  return [0, row].map((start) =>
    found.reduce((sum, value, at) => sum + value * WEIGHTS[start + at], WEIGHTS[start + found.length]));
}

/**
 * What the scores weigh: edges of six kinds in 8 by 8 cells of the crop, and its light in 12 by 12.
 *
 * @param {Uint8Array} face
 */
export function measured(face) {
  const light = lit(face), found = new Float64Array(KINDS * EDGES * EDGES + LIGHTS * LIGHTS);
  for (let y = 1; y < SIZE - 1; y++) {
    for (let x = 1; x < SIZE - 1; x++) {
      const at = y * SIZE + x;
      const across = light[at + 1] - light[at - 1], down = light[at + SIZE] - light[at - SIZE];
      const aslant = [Math.abs(across + down), Math.abs(across - down)].map((edge) => edge / Math.SQRT2);
      [across, -across, down, -down, ...aslant].forEach((edge, kind) => {
        found[kind * EDGES * EDGES + cell(x, y, EDGES)] += Math.max(edge, 0);
      });
    }
  }
  const lights = KINDS * EDGES * EDGES;
  light.forEach((value, at) => { found[lights + cell(at % SIZE, Math.floor(at / SIZE), LIGHTS)] += value; });
  return found.map((sum, at) => at < lights ? Math.sqrt(sum * (EDGES / SIZE) ** 2) : sum * (LIGHTS / SIZE) ** 2);
}

/**
 * The number of the cell in which a pixel lies, of so many in a row.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} cells
 */
const cell = (x, y, cells) => cells * Math.floor((y * cells) / SIZE) + Math.floor((x * cells) / SIZE);

/**
 * The crop with the light and the contrast of its middle taken out.
 *
 * @param {Uint8Array} face
 */
function lit(face) {
  let sum = 0, squares = 0;
  for (let y = TOP; y < BOTTOM; y++) {
    for (let x = LEFT; x < RIGHT; x++) {
      const value = face[y * SIZE + x];
      sum += value;
      squares += value * value;
    }
  }
  const count = (BOTTOM - TOP) * (RIGHT - LEFT), mean = sum / count;
  const spread = Math.sqrt(Math.max(0, squares / count - mean * mean)) + 0.5;
  return Float64Array.from(face, (value) => (value - mean) / spread);
}

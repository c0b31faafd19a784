// Whether the picture comes squeezed or stretched, told by the faces in it, and undoing it: agent/proportions.py.

import { PROPORTIONS } from "./constants.js";
import { linearResized, part } from "./pixels.js";
import { leastSquares } from "./squares.js";

/** @import { Image } from "./pixels.js" */

/** What a point's place in a picture is made of: its place on the average face, and a shift. */
const COLUMNS = [0, 1, 2].map((axis) => PROPORTIONS.SHAPE.map((point) => point[axis]));
COLUMNS.push(PROPORTIONS.SHAPE.map(() => 1));

/** Learns over a minute of frontal faces how the picture comes, and undoes it. */
export class Proportions {
  #steps = 0;
  /** @type {number[]} */
  #widths = [];
  #second = -1;
  /** @type {Float64Array | null} */
  #last = null;

  /** How wide the picture comes, against how wide it should be: 0.75, 1 or 1.33. */
  get stretch() {
    return PROPORTIONS.STEP ** this.#steps;
  }

  /**
   * The frame with the proportions it should have; the side that is too short grows.
   *
   * @param {Image} frame
   */
  undone(frame) {
    if (!this.#steps) return frame;
    const [across, down] = this.#steps < 0 ? [PROPORTIONS.STEP, 1] : [1, PROPORTIONS.STEP];
    return linearResized(part(frame), across, down);
  }

  /**
   * @param {number} seconds a time that grows from call to call
   * @param {Float64Array} points the landmarks of a face in what `undone` gave
   */
  learn(seconds, points) {
    // The very same points are the same picture once more.
    if (Math.trunc(seconds) === this.#second || this.#last?.every((value, at) => value === points[at])) return;
    const width = faceWidth(points);
    if (width === null) return;
    this.#second = Math.trunc(seconds);
    this.#last = points;
    this.#widths.push(Math.log(width));
    if (this.#widths.length < PROPORTIONS.FACES) return;
    const different = median(this.#widths);
    this.#widths = [];
    if (Math.abs(different) > PROPORTIONS.DIFFERENT) {
      this.#steps = Math.max(-1, Math.min(1, this.#steps + Math.sign(different)));
    }
  }
}

/**
 * How wide a face is in a picture, against the average face; null of one that does not look at the camera, nearly
 * upright and near enough.
 *
 * @param {Float64Array} points
 */
export function faceWidth(points) {
  const fitted = [0, 1].map((axis) =>
    leastSquares(COLUMNS, PROPORTIONS.POINTS.map((at) => points[2 * at + axis])).slice(0, 3));
  const lengths = fitted.map((row) => Math.hypot(...row));
  if (!(Math.min(...lengths) >= PROPORTIONS.SMALLEST)) return null;
  const [across, down] = fitted.map((row, i) => row.map((value) => value / lengths[i]));
  const isTurned = Math.hypot(across[2], down[2]) > PROPORTIONS.TURNED;
  return isTurned || Math.abs(down[0]) > PROPORTIONS.TILTED || down[1] < 0 ? null : lengths[0] / lengths[1];
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b), half = values.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

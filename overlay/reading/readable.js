// Why a face makes no vote: agent/readable.py, with the reasons of agent/unread.py by their keys. A face that can't be
// read is like no face, and the reason stays here.

import { ALIGN, READABLE, SMILE, UNREAD } from "./constants.js";
import { scores } from "./covered.js";

/** @import { Image } from "./pixels.js" */

/**
 * What the landmarker tells of a face: x and y of 478 points in pixels of the frame, and 52 blendshapes.
 *
 * @typedef {{ points: Float64Array, shapes: Float32Array }} FoundFace
 */

/** What of one source's frames can be read. `live`: from a camera, in which nothing may stand still. */
export class Readability {
  #frozen;
  #lifeless;

  /** @param {boolean} live */
  constructor(live) {
    this.#frozen = live ? new Frozen() : null;
    this.#lifeless = live ? new Lifeless() : null;
  }

  /** Whether a live face has not moved for so long that a blink is wanted to tell that it is none on a wall. */
  get isStill() {
    return this.#lifeless !== null && this.#lifeless.unmovedS >= READABLE.STILL_S;
  }

  /**
   * What is wrong with a frame, face or none.
   *
   * @param {Image} frame
   * @param {number} time in seconds, never decreasing
   */
  ofFrame(frame, time) {
    return this.#frozen?.update(frame, time) ? UNREAD.FROZEN : null;
  }

  /**
   * What is wrong with the frame's face.
   *
   * @param {FoundFace} face
   * @param {Image} frame
   * @param {Uint8Array} crop of the frame
   * @param {number} time in seconds, never decreasing
   */
  ofFace(face, frame, crop, time) {
    if (this.#lifeless?.update(face, time)) return UNREAD.LIFELESS;
    return placed(face, frame.width, frame.height) ?? uncovered(crop);
  }
}

/**
 * Whether the mouth is to be seen where the landmarks say.
 *
 * @param {Uint8Array} face the grey crop
 */
export function uncovered(face) {
  const [mouth, turned] = scores(face);
  if (Math.max(mouth, turned) <= 0) return null;
  return turned > mouth ? UNREAD.UPSIDE_DOWN : UNREAD.COVERED;
}

/**
 * Whether the face lies in the picture well enough: the first reason against it.
 *
 * @param {FoundFace} face
 * @param {number} width of the picture
 * @param {number} height
 */
export function placed({ points }, width, height) {
  const x = (/** @type {number} */ at) => points[2 * at], y = (/** @type {number} */ at) => points[2 * at + 1];
  const [one, other] = ALIGN.LEFT_EYE, [far, near] = ALIGN.RIGHT_EYE;
  const across = (x(one) + x(other)) / 2 - (x(far) + x(near)) / 2;
  const roll = Math.atan2((y(one) + y(other)) / 2 - (y(far) + y(near)) / 2, across);
  if (Math.abs((roll * 180) / Math.PI) > READABLE.ROLL_DEG) return UNREAD.UPSIDE_DOWN;
  const outside = (/** @type {number} */ at) => Math.max(-x(at), x(at) - width, -y(at), y(at) - height);
  if (outside(READABLE.CHIN) > READABLE.CHIN_OUT * heightOf(points)) return UNREAD.CHIN_CUT;
  let count = 0;
  for (let at = 0; at < READABLE.MESH; at++) count += outside(at) > 0 ? 1 : 0;
  return count / READABLE.MESH > READABLE.POINTS_OUT ? UNREAD.FACE_CUT : null;
}

/**
 * Whether none of the seven probabilities is large enough, with happy and neutral as one.
 *
 * @param {ArrayLike<number>} probabilities
 */
export function unsure(probabilities) {
  const smileOrNone = probabilities[SMILE.HAPPY] + probabilities[SMILE.NEUTRAL];
  return Math.max(smileOrNone, ...Array.from(probabilities)) < READABLE.SURE ? UNREAD.UNSURE : null;
}

/** A frame of before, and since when all were the same. */
class Frozen {
  /** @type {Image | null} */
  #frame = null;
  #since = 0;

  /**
   * @param {Image} frame
   * @param {number} time
   */
  update(frame, time) {
    if (!this.#frame || !same(this.#frame, frame)) {
      // A copy: whoever has the frame may take the next one into the same memory.
      this.#frame = { data: frame.data.slice(), width: frame.width, height: frame.height };
      this.#since = time;
    }
    return time - this.#since >= READABLE.FROZEN_S;
  }
}

/** A face of before, and since when it has not moved. That it was lost in between is no movement. */
class Lifeless {
  /** @type {FoundFace | null} */
  #face = null;
  #since = 0;
  unmovedS = 0;

  /**
   * @param {FoundFace} face
   * @param {number} time
   */
  update(face, time) {
    if (!this.#face || moved(this.#face, face)) {
      this.#face = face;
      this.#since = time;
    }
    this.unmovedS = time - this.#since;
    return this.unmovedS >= READABLE.LIFELESS_S;
  }
}

/**
 * @param {Image} one
 * @param {Image} other
 */
function same(one, other) {
  if (one.width !== other.width || one.height !== other.height) return false;
  const [these, those] = [one, other].map(({ data }) => new Uint32Array(data.buffer, data.byteOffset, data.length / 4));
  for (let at = 0; at < these.length; at++) if (these[at] !== those[at]) return false;
  return true;
}

/**
 * @param {FoundFace} one
 * @param {FoundFace} other
 */
function moved(one, other) {
  const [shift, blink] = movement(one, other);
  return shift > READABLE.STILL || blink > READABLE.BLINK;
}

/**
 * How far the landmarks are from where they were (root mean square, in heights of the face), and the eyelids.
 *
 * @param {FoundFace} one
 * @param {FoundFace} other
 */
export function movement(one, other) {
  const squares = one.points.reduce((sum, value, at) => sum + (value - other.points[at]) ** 2, 0);
  const shift = Math.sqrt(squares / (one.points.length / 2)) / heightOf(one.points);
  return [shift, Math.max(...READABLE.LIDS.map((at) => Math.abs(one.shapes[at] - other.shapes[at])))];
}

/**
 * Pixels from the forehead to the chin.
 *
 * @param {Float64Array} points
 */
const heightOf = (points) => {
  const [top, chin] = [2 * READABLE.FOREHEAD, 2 * READABLE.CHIN];
  return Math.hypot(points[chin] - points[top], points[chin + 1] - points[top + 1]);
};

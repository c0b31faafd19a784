// Cutting a face out of a frame as models/inference/align.py does, to the same grey values or within one of them.

import { ALIGN } from "./constants.js";
import { grey, meanOf, rounded } from "./pixels.js";

/** @import { Image } from "./pixels.js" */

const LARGEST_FACTOR = 32;

/**
 * The matrix [a, b, x, c, d, y] that maps the picture to a crop of `side` pixels: its x is a x + b y + x.
 *
 * @param {Float64Array} landmarks x and y of 478 in pixels
 * @param {number} side
 * @param {number} margin
 */
export function cropMatrix(landmarks, side, margin) {
  const right = middle(landmarks, ALIGN.RIGHT_EYE), left = middle(landmarks, ALIGN.LEFT_EYE);
  const mouth = middle(landmarks, ALIGN.MOUTH);
  const eyes = [(right[0] + left[0]) / 2, (right[1] + left[1]) / 2];
  const across = [left[0] - right[0], left[1] - right[1]], down = [mouth[0] - eyes[0], mouth[1] - eyes[1]];
  const roll = Math.atan2(across[1], across[0]);
  const tile = Math.max(
    Math.hypot(...across) / ALIGN.EYES_APART, Math.hypot(...down) / (ALIGN.MOUTH_Y - ALIGN.EYES_Y), 1e-6);
  const share = (0.5 - ALIGN.EYES_Y) / (ALIGN.MOUTH_Y - ALIGN.EYES_Y);
  const centre = [eyes[0] + down[0] * share, eyes[1] + down[1] * share];
  const scale = side / (tile * margin), cos = Math.cos(roll) * scale, sin = Math.sin(roll) * scale;
  // Pixel centres lie at half coordinates, so the crop's middle is at (side - 1) / 2.
  const half = (side - 1) / 2;
  return [
    cos, sin, half - (cos * centre[0] + sin * centre[1]),
    -sin, cos, half - (-sin * centre[0] + cos * centre[1]),
  ];
}

/**
 * The grey crop of a face, row by row. Beyond the frame's edge its last pixels repeat.
 *
 * @param {Image} frame
 * @param {Float64Array} landmarks x and y of 478 in pixels
 * @param {{ size: number, margin: number }} crop
 */
export function alignedFace(frame, landmarks, crop) {
  const [a, b] = cropMatrix(landmarks, crop.size, crop.margin);
  const factor = Math.min(LARGEST_FACTOR, Math.max(1, Math.ceil(1 / Math.hypot(a, b))));
  const side = crop.size * factor, back = inverse(cropMatrix(landmarks, side, crop.margin));
  const picture = grey(frame), mean = meanOf(factor, factor);
  const sums = new Uint32Array(crop.size * crop.size);
  for (let y = 0; y < side; y++) {
    const row = crop.size * Math.floor(y / factor);
    for (let x = 0; x < side; x++) {
      const at = back[0] * x + back[1] * y + back[2], down = back[3] * x + back[4] * y + back[5];
      sums[row + Math.floor(x / factor)] += sampled(picture, frame.width, frame.height, at, down);
    }
  }
  return Uint8Array.from(sums, mean);
}

/**
 * @param {Float64Array} landmarks
 * @param {number[]} indices
 */
const middle = (landmarks, [one, other]) => [
  (landmarks[2 * one] + landmarks[2 * other]) / 2,
  (landmarks[2 * one + 1] + landmarks[2 * other + 1]) / 2,
];

/**
 * From the crop to the picture.
 *
 * @param {number[]} matrix
 */
export function inverse([a, b, x, c, d, y]) {
  const whole = a * d - b * c;
  return [d / whole, -b / whole, (b * y - d * x) / whole, -c / whole, a / whole, (c * x - a * y) / whole];
}

/**
 * The grey value between four pixels.
 *
 * @param {Uint8Array} picture
 * @param {number} width
 * @param {number} height
 * @param {number} x
 * @param {number} y
 */
function sampled(picture, width, height, x, y) {
  const column = Math.floor(x), row = Math.floor(y), across = x - column, down = y - row;
  const left = Math.min(width - 1, Math.max(0, column)), right = Math.min(width - 1, Math.max(0, column + 1));
  const above = width * Math.min(height - 1, Math.max(0, row));
  const below = width * Math.min(height - 1, Math.max(0, row + 1));
  const upper = picture[above + left] + across * (picture[above + right] - picture[above + left]);
  const lower = picture[below + left] + across * (picture[below + right] - picture[below + left]);
  return rounded(upper + down * (lower - upper));
}

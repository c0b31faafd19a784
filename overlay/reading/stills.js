// Expressions in still pictures. A port of agent/stills.py and of the StillFaceFinder of agent/face.py, where the reasons
// stand.

import { alignedFace, cropMatrix, inverse } from "./align.js";
import { bounds, overlap } from "./boxes.js";
import { BOXES, FACE, MOODNET } from "./constants.js";
import { EMPTY, cut, foundFaces } from "./faces.js";
import { MediaPipe } from "./mediapipe.js";
import { Network } from "./network.js";
import { placed, uncovered, unsure } from "./readable.js";
import { isWhole, windows } from "./search.js";
import { decided } from "./smile.js";

/** @import { Points } from "./boxes.js" */
/** @import { Files } from "./loader.js" */
/** @import { Landmarker } from "./mediapipe.js" */
/** @import { Image } from "./pixels.js" */
/** @import { FoundFace } from "./readable.js" */

/** @typedef {{ outline: number[][], probabilities: number[], unread: string }} TriedFace as recognise.js has it */

const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];
const EDGE = 2; // pixels around a crop, so that each of its pixels has its neighbours

/** A landmarker without memory, for pictures of which each stands alone. */
export class StillFaceFinder {
  #landmarker;

  /** @param {Landmarker} landmarker */
  constructor(landmarker) {
    this.#landmarker = landmarker;
    this.find(EMPTY); // the first call builds the graph
  }

  /** @param {MediaPipe} mediapipe */
  static async create(mediapipe) {
    return new StillFaceFinder(await mediapipe.landmarker("IMAGE", FACE.MAX_STILL_FACES));
  }

  /**
   * Each face of a picture, as one reads.
   *
   * @param {Image} picture
   */
  find(picture) {
    const { width, height } = picture;
    const found = windows(width, height).flatMap((window) =>
      foundFaces(this.#landmarker.detect(cut(picture, window)), window)
        .filter(({ points }) => isWhole(points, window, width, height)));
    return asOneReads(distinct(found));
  }

  close() {
    this.#landmarker.close();
  }
}

/** A face finder and the network, for still pictures. */
export class StillRecogniser {
  #faces;
  #network;

  /**
   * @param {StillFaceFinder} faces
   * @param {Network} network
   */
  constructor(faces, network) {
    this.#faces = faces;
    this.#network = network;
  }

  /** @param {Files} files */
  static async create(files) {
    const mediapipe = await MediaPipe.load(files);
    return new StillRecogniser(await StillFaceFinder.create(mediapipe), await Network.create(files));
  }

  /**
   * The faces of a picture, what the network and the rule for smiles say of each, and what that took.
   *
   * @param {Image} picture
   */
  async look(picture) {
    const began = performance.now();
    const found = this.#faces.find(picture);
    const seen = performance.now();
    /** @type {TriedFace[]} */
    const faces = [];
    for (const face of found) faces.push(await this.#read(picture, face));
    const milliseconds = { find: seen - began, classify: performance.now() - seen };
    return { width: picture.width, height: picture.height, faces, milliseconds };
  }

  /**
   * @param {Image} picture
   * @param {FoundFace} face
   */
  async #read(picture, face) {
    const corners = outline(face.points, MOODNET.CROP);
    const crop = near(picture, face.points, corners);
    const answer = await this.#network.probabilities(crop);
    return {
      outline: corners.map((corner) => corner.map((value) => Math.round(10 * value) / 10)),
      probabilities: decided(MOODNET.SMILE_RULE, answer, face.shapes),
      unread: placed(face, picture.width, picture.height) ?? uncovered(crop) ?? unsure(answer) ?? "",
    };
  }
}

/**
 * The face's crop, of which only the part of a large picture that it lies in is made grey.
 *
 * @param {Image} picture
 * @param {Points} points
 * @param {number[][]} corners
 */
function near(picture, points, corners) {
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  const from = (/** @type {number[]} */ values, /** @type {number} */ most) =>
    Math.min(most - 1, Math.max(0, Math.floor(Math.min(...values)) - EDGE));
  const to = (/** @type {number[]} */ values, /** @type {number} */ most) =>
    Math.min(most, Math.max(1, Math.ceil(Math.max(...values)) + EDGE));
  const [left, top] = [from(xs, picture.width), from(ys, picture.height)];
  const right = Math.max(left + 1, to(xs, picture.width)), bottom = Math.max(top + 1, to(ys, picture.height));
  const there = points.map((value, i) => value - (i % 2 ? top : left));
  return alignedFace(cut(picture, [left, top, right, bottom]), there, MOODNET.CROP);
}

/**
 * The corners of the network's crop in the picture, in pixels: left and right of the forehead, then right and left of
 * the chin.
 *
 * @param {Points} points
 * @param {{ size: number, margin: number }} crop
 */
export function outline(points, { size, margin }) {
  const [a, b, x, c, d, y] = inverse(cropMatrix(points, size, margin));
  const place = (/** @type {number} */ share) => share * size - 0.5; // pixel centres lie at whole numbers
  return CORNERS.map(([across, down]) => [
    a * place(across) + b * place(down) + x, c * place(across) + d * place(down) + y,
  ]);
}

/**
 * The faces without those that were found before, by their boxes.
 *
 * @param {FoundFace[]} faces
 */
export function distinct(faces) {
  /** @type {FoundFace[]} */
  const kept = [];
  for (const face of faces) {
    if (kept.every((other) => overlap(face.points, other.points) < BOXES.SAME_FACE)) kept.push(face);
  }
  return kept;
}

/**
 * The faces row by row from the top, and in a row from left to right. A face is in the row of the one above as long as
 * its middle is not below the other's chin.
 *
 * @param {FoundFace[]} faces
 */
export function asOneReads(faces) {
  /** @type {FoundFace[][]} */
  const rows = [];
  for (const face of [...faces].sort((one, other) => mean(one, 1) - mean(other, 1))) {
    const row = rows[rows.length - 1];
    if (row && mean(face, 1) < bounds(row[0].points)[3]) row.push(face);
    else rows.push([face]);
  }
  return rows.flatMap((row) => row.sort((one, other) => mean(one, 0) - mean(other, 0)));
}

/**
 * @param {FoundFace} face
 * @param {0 | 1} axis
 */
function mean({ points }, axis) {
  let sum = 0;
  for (let i = axis; i < points.length; i += 2) sum += points[i];
  return sum / (points.length / 2);
}

// A video's largest face as 478 points and 52 blendshapes (MediaPipe's face landmarker). A port of agent/face.py, where
// the reasons stand.

import { area, overlap } from "./boxes.js";
import { BOXES, FACE, SEARCH } from "./constants.js";
import { areaResized, part, rounded } from "./pixels.js";
import { Lookout, around, holds, isWhole, outweighs } from "./search.js";

/** @import { Points } from "./boxes.js" */
/** @import { Detector, Landmarker, Landmarks, MediaPipe } from "./mediapipe.js" */
/** @import { FoundFace } from "./readable.js" */
/** @import { Window } from "./search.js" */
/** @import { Image } from "./pixels.js" */

/** @type {Image} */
export const EMPTY = { data: new Uint8ClampedArray(64 * 64 * 4).fill(255), width: 64, height: 64 };
for (let i = 0; i < EMPTY.data.length; i += 4) EMPTY.data.fill(0, i, i + 3);
/** @type {Window} */
const ALL_OF_EMPTY = [0, 0, 64, 64];

/** Follows one face through a video, the largest. */
export class FaceFinder {
  #landmarker;
  #detector;
  #lookout = new Lookout();
  #nowS = 0;
  /** @type {Window | null} what the landmarker sees of the frame; null while no face is followed */
  #window = null;
  /** @type {Points | null} where the face that is followed was */
  #last = null;
  #calls = 0;
  #isTracking = false;

  /**
   * @param {Landmarker} landmarker
   * @param {Detector} detector
   */
  constructor(landmarker, detector) {
    this.#landmarker = landmarker;
    this.#detector = detector;
    // The first calls build the graphs.
    this.#detect(EMPTY, ALL_OF_EMPTY, FACE.LIKELY);
    this.#track(EMPTY, ALL_OF_EMPTY);
  }

  /** @param {MediaPipe} mediapipe */
  static async create(mediapipe) {
    const landmarker = await mediapipe.landmarker("VIDEO", 1);
    return new FaceFinder(landmarker, await mediapipe.detector());
  }

  /**
   * The largest face of a frame; null without one. Times that run backwards stand still.
   *
   * @param {Image} frame
   * @param {number} timeMs
   */
  find(frame, timeMs) {
    const { width, height } = frame;
    this.#nowS = Math.max(this.#nowS, timeMs / 1000);
    const face = this.#follow(frame);
    for (const box of this.#search(frame, this.#lookout.where(this.#nowS, width, height, face !== null), face)) {
      const other = this.#begin(frame, box);
      if (other && (!face || outweighs(other.points, face.points))) return other;
      if (face) {
        this.#window = null;
        this.#last = face.points;
        this.#lookout.inVain(this.#nowS);
        break;
      }
    }
    return face;
  }

  close() {
    this.#detector.close();
    this.#landmarker.close();
  }

  /**
   * The face of the frame before, in the same window if that still has room around it.
   *
   * @param {Image} frame
   * @returns {FoundFace | null}
   */
  #follow(frame) {
    if (!this.#last) return null;
    if (!this.#window || !holds(this.#window, this.#last, frame.width, frame.height)) {
      return this.#begin(frame, this.#last);
    }
    const face = this.#track(frame, this.#window);
    this.#last = face && face.points;
    return face;
  }

  /**
   * Follow the face in `box` from now on, in a new window; null if there is none, or only another one.
   *
   * @param {Image} frame
   * @param {Points} box
   */
  #begin(frame, box) {
    for (const sides of [SEARCH.ROOMY, SEARCH.TIGHT]) {
      if (this.#isTracking) this.#track(EMPTY, ALL_OF_EMPTY); // else it would look where the face was in another window
      this.#window = around(box, sides, frame.width, frame.height);
      const face = this.#track(frame, this.#window);
      if (face && overlap(face.points, box) >= BOXES.SAME_FACE) {
        this.#last = face.points;
        return face;
      }
    }
    this.#last = null;
    return null;
  }

  /**
   * The face that the landmarker had before, or else the likeliest in a window of the frame.
   *
   * @param {Image} frame
   * @param {Window} window
   */
  #track(frame, window) {
    this.#calls += 1;
    const result = this.#landmarker.detectForVideo(shrunk(frame, window), this.#calls * FACE.APART_MS);
    const face = foundFaces(result, window)[0] ?? null;
    this.#isTracking = face !== null;
    return face;
  }

  /**
   * Boxes of the largest faces in windows of the frame, the first of which is all of it.
   *
   * @param {Image} frame
   * @param {Window[]} where
   * @param {FoundFace | null} followed
   */
  #search(frame, where, followed) {
    const [whole, ...parts] = where;
    const found = whole ? this.#detect(frame, whole, FACE.LIKELY) : [];
    for (const window of parts) {
      const seen = candidates(this.#detect(frame, window, FACE.POSSIBLE), followed).slice(0, FACE.TRIES);
      const isClear = (/** @type {Points} */ box) =>
        this.#detect(frame, around(box, SEARCH.ROOMY, frame.width, frame.height), FACE.CLEAR).length > 0;
      found.push(...seen.filter(isClear));
    }
    return candidates(found, followed).slice(0, FACE.TRIES);
  }

  /**
   * The corners of a box from the brows to the chin of each face in a window of the frame.
   *
   * @param {Image} frame
   * @param {Window} window
   * @param {number} least
   */
  #detect(frame, window, least) {
    const found = this.#detector.detect(cut(frame, window)).detections;
    /** @type {Points[]} */
    const boxes = found.filter(({ categories }) => categories[0].score >= least).map(({ boundingBox }) => {
      const [left, top] = [boundingBox.originX + window[0], boundingBox.originY + window[1]];
      return Float64Array.of(left, top, left + boundingBox.width, top + boundingBox.height);
    });
    return boxes.filter((box) => isWhole(box, window, frame.width, frame.height));
  }
}

/**
 * The largest first, each face once; while one is followed, those that seem to outweigh it.
 *
 * @param {Points[]} boxes
 * @param {FoundFace | null} followed
 */
function candidates(boxes, followed) {
  /** @type {Points[]} */
  const kept = [];
  for (const box of [...boxes].sort((one, other) => area(other) - area(one))) {
    const known = followed ? [...kept, followed.points] : kept;
    const seems = !followed || outweighs(box, followed.points);
    if (seems && known.every((other) => overlap(box, other) < BOXES.SAME_FACE)) kept.push(box);
  }
  return kept;
}

/**
 * What of a picture is in a window.
 *
 * @param {Image} picture
 * @param {Window} window
 * @returns {Image}
 */
export function cut(picture, [left, top, right, bottom]) {
  const [width, height] = [right - left, bottom - top];
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(from, from + 4 * width), 4 * y * width);
  }
  return { data, width, height };
}

/**
 * The same, at most LARGEST_SIDE high and wide.
 *
 * @param {Image} picture
 * @param {Window} window
 */
function shrunk(picture, window) {
  const [left, top, right, bottom] = window;
  const [width, height] = [right - left, bottom - top];
  const scale = SEARCH.LARGEST_SIDE / Math.max(width, height);
  if (scale >= 1) return cut(picture, window);
  const [wide, high] = [width, height].map((side) => Math.max(1, rounded(side * scale)));
  return areaResized(part(picture, left, top, right, bottom), wide, high);
}

/**
 * Each face of MediaPipe's result for what is in a window.
 *
 * @param {Landmarks} result
 * @param {Window} window
 * @returns {FoundFace[]}
 */
export function foundFaces(result, [left, top, right, bottom]) {
  return result.faceLandmarks.map((landmarks, i) => {
    const points = new Float64Array(2 * landmarks.length);
    landmarks.forEach(({ x, y }, k) => {
      points[2 * k] = x * (right - left) + left;
      points[2 * k + 1] = y * (bottom - top) + top;
    });
    return { points, shapes: Float32Array.from(result.faceBlendshapes[i].categories, ({ score }) => score) };
  });
}

// From a frame to seven probabilities: face, aligned crop, network. A port of agent/recognition.py.

import { alignedFace } from "./align.js";
import { bounds } from "./boxes.js";
import { MOODNET } from "./constants.js";
import { FaceFinder } from "./faces.js";
import { MediaPipe } from "./mediapipe.js";
import { Network } from "./network.js";
import { Proportions } from "./proportions.js";
import { Readability, unsure } from "./readable.js";
import { RestingFace } from "./resting.js";
import { decided } from "./smile.js";

/** @import { Points } from "./boxes.js" */
/** @import { Files } from "./loader.js" */
/** @import { Image } from "./pixels.js" */

/** @typedef {[number, number, number, number]} Box left, top, right, bottom as shares of the picture's width and height */

/**
 * What is seen in a frame: whether a face, its seven probabilities (null without a face, and where it can't be read),
 * the reason for which it can't, where it is, and whether it has not moved for a while.
 * @typedef {{ hasFace: boolean, probabilities: number[] | null, unread: string | null, box: Box | null,
 *   still: boolean }} Look
 */

export class Recogniser {
  #faces;
  #network;
  #live;
  #proportions = new Proportions();
  #readability;
  #resting = new RestingFace();

  /**
   * @param {FaceFinder} faces
   * @param {Network} network
   * @param {boolean} live
   */
  constructor(faces, network, live) {
    this.#faces = faces;
    this.#network = network;
    this.#live = live;
    this.#readability = new Readability(live);
  }

  /**
   * @param {Files} files
   * @param {{ live: boolean }} options live: the frames come from a camera, in which a picture that stands still shows
   *   nobody
   */
  static async create(files, { live }) {
    const mediapipe = await MediaPipe.load(files);
    return new Recogniser(await FaceFinder.create(mediapipe), await Network.create(files), live);
  }

  /** Of what was seen so far, nothing counts any more. */
  begin() {
    this.#proportions = new Proportions();
    this.#readability = new Readability(this.#live);
    this.forget();
  }

  /**
   * What the largest face of a frame shows.
   *
   * @param {Image} frame
   * @param {number} timeMs grows from frame to frame, from one face to the next as well
   * @returns {Promise<Look>}
   */
  async look(frame, timeMs) {
    const seconds = timeMs / 1000;
    const picture = this.#proportions.undone(frame);
    const face = this.#faces.find(picture, timeMs);
    const frozen = this.#readability.ofFrame(picture, seconds);
    if (!face) return { hasFace: false, probabilities: null, unread: frozen, box: null, still: false };
    const crop = alignedFace(picture, face.points, MOODNET.CROP);
    const unread = frozen ?? this.#readability.ofFace(face, picture, crop, seconds);
    const seen = { hasFace: true, box: boxOf(face.points, picture), still: this.#readability.isStill };
    if (unread) return { ...seen, probabilities: null, unread };
    const stretch = this.#proportions.stretch;
    this.#proportions.learn(seconds, face.points);
    if (this.#proportions.stretch !== stretch) this.forget(); // how a squeezed face looks at rest
    const resting = this.#resting; // another face may begin meanwhile
    const answer = await this.#network.probabilities(crop);
    const doubt = unsure(answer);
    if (doubt) return { ...seen, probabilities: null, unread: doubt };
    const smiling = decided(MOODNET.SMILE_RULE, answer, face.shapes);
    return { ...seen, probabilities: resting.read(seconds, smiling), unread: null };
  }

  /** Learn anew what the face looks like at rest. */
  forget() {
    this.#resting = new RestingFace();
  }

  async close() {
    this.#faces.close();
    await this.#network.close();
  }
}

/**
 * @param {Points} points
 * @param {Image} picture
 * @returns {Box}
 */
function boxOf(points, { width, height }) {
  const [left, top, right, bottom] = bounds(points);
  return [left / width, top / height, right / width, bottom / height];
}

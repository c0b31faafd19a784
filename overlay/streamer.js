// The streamer's own face beside the audience's bar, and how many of the audience show the same.

import { EXPRESSIONS, pictureUrl } from "./contract.js";
import { only, write } from "./dom.js";
import { percent, wordOf } from "./figures.js";
import { say } from "./texts.js";

/** @import { Expression, Face, Mood } from "./protocol.d.ts" */

const OVER_MS = 15_000; // a face that was not repeated for so long is over
const KEPT_S = 135; // the longest delay of a stream, and the time after which a face is over

/** What the streamer has shown lately, by the relay's clock. */
export class Faces {
  constructor() {
    /** @type {{ time: number, emotion: Expression | null }[]} */
    this.told = [];
  }

  /** @param {{ time: number, emotion: Expression | null }} face the newest one */
  add({ time, emotion }) {
    if (this.told.length && time < this.told[this.told.length - 1].time) this.told = []; // the clock was set
    this.told.push({ time, emotion });
    while (this.told.length > 1 && this.told[1].time < time - KEPT_S) this.told.shift();
  }

  /**
   * What was shown then; null for nothing, and where it is not known.
   *
   * @param {number} time
   */
  at(time) {
    let found = null;
    for (const face of this.told) if (face.time <= time) found = face.emotion;
    return found;
  }
}

/**
 * The share of the sharing viewers who show what the streamer showed when they saw it; null where that means nothing,
 * and always while the mood is hidden.
 *
 * @param {Faces} faces
 * @param {number} delay seconds by which the audience sees the stream late
 * @param {Pick<Mood, "visible" | "shares" | "time">} mood
 */
export function tuneWith(faces, delay, mood) {
  const emotion = mood.visible ? faces.at(mood.time - delay) : null;
  return emotion === null ? null : mood.shares[EXPRESSIONS.indexOf(emotion)];
}

export class Streamer {
  /** @param {HTMLElement} root has a picture and room for two texts; hidden while there is no face */
  constructor(root) {
    this.root = root;
    this.picture = only(HTMLImageElement, "img", root);
    this.tune = only(HTMLElement, ".moodcast-streamer-tune", root);
    this.faces = new Faces();
    this.delay = 0;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /** @param {Face} face a message of the relay */
  show(face) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show({ ...face, time: face.time + OVER_MS / 1000, emotion: null }), OVER_MS);
    this.faces.add(face);
    this.delay = face.delay;
    const { emotion } = face;
    this.root.hidden = emotion === null;
    if (emotion === null) {
      clearTimeout(this.timer);
      return;
    }
    if (this.root.dataset.expression === emotion) return;
    this.root.dataset.expression = emotion;
    this.picture.src = pictureUrl(emotion);
    this.picture.alt = wordOf(emotion);
  }

  /** @param {Mood} mood */
  compare(mood) {
    const share = tuneWith(this.faces, this.delay, mood);
    write(this.tune, share === null ? "" : say("overlay.in_tune_with_streamer", { percent: percent(share) }));
  }
}

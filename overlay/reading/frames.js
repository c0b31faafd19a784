// A camera's frames on their way into the worker, one at a time, and the pixels of each. None is kept.

import { SEARCH } from "./constants.js";

/** @import { Image } from "./pixels.js" */

/** @typedef {ImageBitmap | VideoFrame} Frame */

/**
 * A camera of which a frame can be had when one is wanted.
 * @typedef {{ newest: () => Promise<Frame | null>, close: () => void }} Frames
 */

/**
 * Frames as the browser hands them to a worker: it makes a new one whenever the last one was taken.
 *
 * @implements {Frames}
 */
export class Stream {
  #reader;

  /** @param {ReadableStream<VideoFrame>} readable */
  constructor(readable) {
    this.#reader = readable.getReader();
  }

  async newest() {
    const { value } = await this.#reader.read();
    return value ?? null;
  }

  close() {
    void this.#reader.cancel().catch(() => {});
  }
}

/**
 * Frames that the page makes of a video, for browsers that hand none to a worker.
 *
 * @implements {Frames}
 */
export class Asked {
  #ask;
  /** @type {((frame: Frame | null) => void) | null} */
  #settle = null;

  /** @param {() => void} ask */
  constructor(ask) {
    this.#ask = ask;
  }

  newest() {
    return /** @type {Promise<Frame | null>} */ (new Promise((resolve) => {
      this.#settle = resolve;
      this.#ask();
    }));
  }

  /** @param {Frame | null} frame what the page answers */
  came(frame) {
    if (this.#settle) this.#settle(frame);
    else frame?.close();
    this.#settle = null;
  }

  close() {
    this.came(null);
  }
}

/** Turns frames into pixels. */
export class Pixels {
  #canvas = new OffscreenCanvas(1, 1);
  #context = this.#canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  #data = new Uint8ClampedArray(0);

  /**
   * A frame's pixels, of a larger one as many as are looked at; the frame is closed. They are good until the next one.
   *
   * @param {Frame} frame
   * @returns {Promise<Image>}
   */
  async of(frame) {
    try {
      return (await this.#copied(frame)) ?? this.#drawn(frame);
    } finally {
      frame.close();
    }
  }

  /**
   * The same pixels as if they were drawn, or null where the browser can't copy them, as of a frame that a graphics card
   * keeps. Of each frame that is drawn Chromium keeps some memory, up to hundreds of megabytes.
   *
   * @param {Frame} frame
   */
  async #copied(frame) {
    try {
      if (!isPlain(frame)) return null;
      const { displayWidth: width, displayHeight: height } = frame;
      if (this.#data.length !== 4 * width * height) this.#data = new Uint8ClampedArray(4 * width * height);
      await frame.copyTo(this.#data, RGBA);
      return { data: this.#data, width, height };
    } catch {
      return null;
    }
  }

  /** @param {Frame} frame */
  #drawn(frame) {
    const [wide, high] = "displayWidth" in frame ? [frame.displayWidth, frame.displayHeight] : [frame.width, frame.height];
    const scale = Math.min(1, SEARCH.LARGEST_SIDE / Math.max(wide, high));
    const [width, height] = [Math.max(1, Math.round(wide * scale)), Math.max(1, Math.round(high * scale))];
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    if (!this.#context) throw new Error("no canvas to draw a frame on");
    this.#context.drawImage(frame, 0, 0, width, height);
    return this.#context.getImageData(0, 0, width, height);
  }
}

const RGBA = /** @type {VideoFrameCopyToOptions} */ ({ format: "RGBA" });

/**
 * Whether a frame's pixels can be had as they are: not turned, not too large, by a browser that makes RGBA of them
 * (one that does not know the wish tells how large they are in their own format).
 *
 * @param {Frame} frame
 * @returns {frame is VideoFrame}
 */
function isPlain(frame) {
  if (!("displayWidth" in frame) || (frame.format !== "I420" && frame.format !== "NV12")) return false;
  const { displayWidth: width, displayHeight: height, visibleRect } = frame;
  const { rotation = 0, flip = false } = /** @type {{ rotation?: number, flip?: boolean }} */ (frame);
  return !rotation && !flip && visibleRect?.width === width && visibleRect.height === height &&
    Math.max(width, height) <= SEARCH.LARGEST_SIDE && frame.allocationSize(RGBA) === 4 * width * height;
}

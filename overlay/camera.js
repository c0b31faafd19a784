// The webcam, for as long as somebody asked for it.

import { make } from "./dom.js";
import { said } from "./figures.js";

const IDEAL = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
const LONGEST_SIDE = 640; // of the frames that are looked at
const QUALITY = 0.9;

/**
 * By the name of a DOMException.
 * @type {Readonly<Record<string, string>>}
 */
const SENTENCES = {
  NotAllowedError: "The browser may not use the camera: allow it beside the page's address, or in the system's privacy settings.",
  NotFoundError: "No camera was found: plug one in, or choose a picture instead.",
  NotReadableError: "The camera gives no pictures: close the other program that uses it.",
};

export class Camera {
  #video;
  #lost;
  /** @type {MediaStream | null} */
  #stream = null;
  #turn = 0; // tells one start from the next

  /**
   * @param {HTMLVideoElement} video shows what the camera sees
   * @param {() => void} lost called when the camera goes by itself
   */
  constructor(video, lost) {
    this.#video = video;
    this.#lost = lost;
  }

  /** Resolves to whether it runs; false where it was stopped meanwhile. Rejects with a sentence for the user. */
  async start() {
    this.stop();
    const turn = this.#turn;
    if (!navigator.mediaDevices) {
      throw new Error("Browsers give the camera only to pages at 127.0.0.1 or localhost, or over https: open this page there.");
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: IDEAL, audio: false });
    } catch (error) {
      const known = error instanceof Error ? SENTENCES[error.name] : undefined;
      throw new Error(known ?? `The camera can't be used (${said(error)}).`, { cause: error });
    }
    if (turn !== this.#turn) {
      halt(stream);
      return false;
    }
    this.#stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", this.#lost);
    this.#video.srcObject = stream;
    try {
      await this.#video.play();
    } catch {
      // stopped meanwhile: the next line says so
    }
    return turn === this.#turn;
  }

  /** Switch it off; its light goes out. */
  stop() {
    this.#turn += 1;
    if (this.#stream) halt(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** What it sees now, as a canvas. */
  frame() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    const canvas = make("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    canvas.getContext("2d")?.drawImage(this.#video, 0, 0, canvas.width, canvas.height);
    return canvas;
  }
}

/** @param {MediaStream} stream */
const halt = (stream) => stream.getTracks().forEach((track) => track.stop());

/**
 * A canvas as a JPEG file.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
export const jpeg = (canvas) =>
  new Promise((resolve, reject) => {
    const made = (/** @type {Blob | null} */ file) =>
      file ? resolve(file) : reject(new Error("The browser made no picture of what the camera sees: try again."));
    canvas.toBlob(made, "image/jpeg", QUALITY);
  });

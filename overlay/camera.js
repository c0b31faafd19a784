// The webcam, for as long as somebody asked for it.

import { make } from "./dom.js";
import { said } from "./figures.js";
import { say } from "./texts.js";

const IDEAL = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
const LONGEST_SIDE = 640; // of the frames that are looked at
const QUALITY = 0.9;

/**
 * What to say, by the name of a DOMException.
 * @type {Readonly<Record<string, string>>}
 */
const TEXTS = {
  NotAllowedError: "try.camera.forbidden",
  NotFoundError: "try.camera.none",
  NotReadableError: "try.camera.busy",
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
      throw new Error(say("try.camera.insecure"));
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: IDEAL, audio: false });
    } catch (error) {
      const known = error instanceof Error ? TEXTS[error.name] : undefined;
      throw new Error(known ? say(known) : say("try.camera.unusable", { why: said(error) }), { cause: error });
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
      file ? resolve(file) : reject(new Error(say("try.camera.empty")));
    canvas.toBlob(made, "image/jpeg", QUALITY);
  });

// The webcam, for as long as somebody asked for it.

const IDEAL = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
const LONGEST_SIDE = 640; // of the frames that are looked at
const QUALITY = 0.9;

const SENTENCES = {
  NotAllowedError: "The browser may not use the camera: allow it beside the page's address, or in the system's privacy settings.",
  NotFoundError: "No camera was found: plug one in, or choose a picture instead.",
  NotReadableError: "The camera gives no pictures: close the other program that uses it.",
};

export class Camera {
  #video;
  #lost;
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
      throw new Error(SENTENCES[error.name] ?? `The camera can't be used (${error.message}).`);
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
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(width * scale),
      height: Math.round(height * scale),
    });
    canvas.getContext("2d").drawImage(this.#video, 0, 0, canvas.width, canvas.height);
    return canvas;
  }
}

const halt = (stream) => stream.getTracks().forEach((track) => track.stop());

/** A canvas as a JPEG file. */
export const jpeg = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));

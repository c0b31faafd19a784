// The camera and what reads faces in its pictures, for as long as the visitor wants it. Both begin here and nowhere else.

/** @import { Hooks as ReaderHooks, Reader, Seen } from "../reading/reader.js" */
/** @import { CameraState, ReaderState, Words } from "./state.js" */

/**
 * @typedef {object} EyeHooks
 * @property {(camera: CameraState, problem: Words | null) => void} onCamera
 * @property {(reader: ReaderState) => void} onReader
 * @property {(why: Words) => void} onUnfit faces can't be read here; the camera is off already
 * @property {(seen: Seen) => void} onLook
 * @property {(now: number) => void} onTick
 * @property {(here: number, size: number) => void} onProgress
 */

export const ASKED = {
  // At most five frames a second are looked at; the rest is for who looks at themself, and each is drawn.
  video: { width: { ideal: 320 }, height: { ideal: 240 }, frameRate: { ideal: 15 }, facingMode: "user" },
  audio: false,
};

/**
 * What to say, by the name of a DOMException.
 * @type {Readonly<Record<string, string>>}
 */
const REFUSALS = {
  NotAllowedError: "join.camera.forbidden",
  NotFoundError: "join.camera.none",
  NotReadableError: "join.camera.busy",
  AbortError: "join.camera.busy",
};

/** By the code of what the reader failed with. */
const UNFIT = ["no_assets", "offline", "damaged", "too_old", "no_webgl"];

export class Eye {
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {ReturnType<Eye["makeReader"]> | null} */
  #reader = null;
  /** @type {Promise<void> | null} */
  #ready = null;
  #turn = 0; // tells one opening from the next: what comes too late is closed

  /**
   * @param {(hooks: ReaderHooks) => Pick<Reader, "load" | "watch" | "pause" | "resume" | "forget" | "close">} makeReader
   * @param {(asked: MediaStreamConstraints) => Promise<MediaStream>} openCamera
   * @param {EyeHooks} hooks
   */
  constructor(makeReader, openCamera, hooks) {
    this.makeReader = makeReader;
    this.openCamera = openCamera;
    this.hooks = hooks;
  }

  /** What the camera shows; null while it is off. */
  get stream() {
    return this.#stream;
  }

  /** Open the camera, and fetch meanwhile what reads faces. */
  async open() {
    this.#shut();
    const turn = this.#turn;
    this.hooks.onCamera("starting", null);
    this.#load(turn);
    let stream;
    try {
      stream = await this.openCamera(ASKED);
    } catch (error) {
      if (turn === this.#turn) this.#lose(refusal(error));
      return;
    }
    if (turn !== this.#turn) {
      halt(stream);
      return;
    }
    this.#stream = stream;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => turn === this.#turn && this.#lose({ key: "join.camera.gone" }));
    track.addEventListener("mute", () => turn === this.#turn && this.hooks.onCamera("dark", null));
    track.addEventListener("unmute", () => turn === this.#turn && this.hooks.onCamera("on", null));
    this.hooks.onCamera(track.muted ? "dark" : "on", null);
    await this.#ready?.catch(() => {}); // told by #load
    if (turn !== this.#turn || !this.#reader) return;
    this.#reader.resume();
    this.#reader.watch(track);
  }

  /** The camera is off at once; what reads faces stays for the next time, and forgets this one. */
  pause() {
    this.#shut();
    this.#reader?.pause();
    this.#reader?.forget();
    this.hooks.onCamera("off", null);
  }

  /** Nothing is left. */
  close() {
    this.#shut();
    this.#reader?.close();
    this.#reader = this.#ready = null;
    this.hooks.onReader("off");
    this.hooks.onCamera("off", null);
  }

  /** @param {number} turn */
  async #load(turn) {
    if (!this.#ready) {
      this.hooks.onReader("loading");
      this.#reader = this.makeReader({
        onLook: (seen) => this.#stream && this.hooks.onLook(seen), // what is still on its way shows nobody any more
        onTick: this.hooks.onTick,
        onProgress: this.hooks.onProgress,
        onFailed: (error) => this.#fail(error),
      });
      this.#ready = this.#reader.load();
    }
    try {
      await this.#ready;
      if (this.#reader) this.hooks.onReader("ready");
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    this.close();
    this.hooks.onUnfit(unfit(error));
  }

  /** @param {Words} problem */
  #lose(problem) {
    this.#shut();
    if (this.#reader) this.#reader.pause();
    this.hooks.onCamera("gone", problem);
  }

  #shut() {
    this.#turn += 1;
    if (this.#stream) halt(this.#stream);
    this.#stream = null;
  }
}

/** @param {MediaStream} stream */
const halt = (stream) => stream.getTracks().forEach((track) => track.stop());

/**
 * @param {unknown} error
 * @returns {Words}
 */
function refusal(error) {
  const { name = "", message = String(error) } = /** @type {Partial<Error>} */ (error);
  return Object.hasOwn(REFUSALS, name) ? { key: REFUSALS[name] } : { key: "join.camera.unusable", values: { why: message } };
}

/**
 * @param {unknown} error
 * @returns {Words}
 */
function unfit(error) {
  const { code = "", message = String(error) } = /** @type {{ code?: string, message?: string }} */ (error);
  return UNFIT.includes(code) ? { key: `join.reader.${code}` } : { key: "join.reader.failed", values: { why: message } };
}

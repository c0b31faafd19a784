// Reads the expression of a face before the camera, in a worker, so that it goes on while the page is hidden and never
// holds it up. What comes back is a look; frames, landmarks and networks stay in the worker.

import { Unreadable } from "./loader.js";

/** @import { Expression } from "../protocol.d.ts" */
/** @import { Code } from "./loader.js" */
/** @import { Look } from "./recogniser.js" */

/** @typedef {{ expression: Expression, confidence: number }} Reading */

/**
 * What was seen at a time of the page's clock (performance.now()): the look at one frame, the reading that all up to it
 * make, and the key of the sentence that is due, if one is.
 * @typedef {{ time: number, look: Look, reading: Reading | null, hint: string | null }} Seen
 */

/**
 * @typedef {object} Hooks
 * @property {(seen: Seen) => void} onLook
 * @property {(nowMs: number) => void} onTick five times a second, hidden or not
 * @property {(loadedBytes: number, totalBytes: number) => void} onProgress
 * @property {(error: Unreadable) => void} onFailed no more will be read
 */

/** The smallest program that computes with vectors. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

/**
 * A worker that runs a module of this folder; null in a browser that has none, or lacks what a face is read with.
 *
 * @param {string} name
 */
export function started(name) {
  let takesModules = false;
  const options = /** @type {WorkerOptions} */ ({
    get type() {
      takesModules = true; // only a browser that knows of them asks
      return "module";
    },
  });
  const { Worker: Made, OffscreenCanvas: Canvas, WebAssembly: Assembly } = globalThis;
  if (!Made || !Canvas || !Assembly?.validate(Uint8Array.from(SIMD))) return null;
  const worker = new Worker(new URL(name, import.meta.url), options);
  if (takesModules) return worker;
  worker.terminate();
  return null;
}

/** From its construction on the worker ticks; nothing is fetched before `load`, and nothing seen before `watch`. */
export class Reader {
  #worker = started("worker.js");
  #hooks;
  /** @type {HTMLVideoElement | null} */
  #video = null;
  /** @type {{ resolve: () => void, reject: (error: Unreadable) => void } | null} */
  #loading = null;

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
    if (!this.#worker) return;
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = ({ message }) =>
      this.#fail(message ? "failed" : "offline", message || "The relay does not answer.");
  }

  /** Resolves once faces can be read; rejects with an error whose `code` says why none can. After `close` neither. */
  load() {
    return /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
      if (!this.#worker) {
        reject(new Unreadable("too_old", "This browser is too old to read a face."));
        return;
      }
      this.#loading = { resolve, reject };
      this.#tell({ kind: "load" });
    }));
  }

  /** @param {MediaStreamTrack} track of a camera, in place of the one before; who asked for it also stops it */
  watch(track) {
    this.#video = null;
    const { MediaStreamTrackProcessor: Processor } = /** @type {any} */ (globalThis);
    if (Processor) {
      const { readable } = new Processor({ track, maxBufferSize: 1 });
      this.#tell({ kind: "watch", readable }, [readable]);
      return;
    }
    this.#video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.#video.srcObject = new MediaStream([track]);
    void this.#video.play().catch(() => {}); // the track ended meanwhile
    this.#tell({ kind: "watch", readable: null });
  }

  /** Look at nothing until `resume`. */
  pause() {
    this.#tell({ kind: "pause" });
  }

  /** Look again, at a face that nothing is known of. */
  resume() {
    this.#tell({ kind: "resume" });
  }

  /** Learn anew what the face looks like at rest. */
  forget() {
    this.#tell({ kind: "forget" });
  }

  /** End the worker and all that it knows, at once. No hook is called any more. */
  close() {
    this.#worker?.terminate();
    this.#worker = this.#video = this.#loading = null;
  }

  /**
   * @param {object} message
   * @param {Transferable[]} [transfer]
   */
  #tell(message, transfer = []) {
    this.#worker?.postMessage(message, transfer);
  }

  /** @param {any} data */
  #hear({ kind, ...told }) {
    if (!this.#worker) return; // closed, with messages still on their way
    if (kind === "tick") this.#hooks.onTick(performance.now());
    else if (kind === "look") this.#hooks.onLook({ ...told, time: told.time - performance.timeOrigin });
    else if (kind === "progress") this.#hooks.onProgress(told.loaded, told.total);
    else if (kind === "ready") this.#ready();
    else if (kind === "failed") this.#fail(told.code, told.message);
    else if (kind === "ask") void this.#show();
  }

  #ready() {
    this.#loading?.resolve();
    this.#loading = null;
  }

  /**
   * @param {Code} code
   * @param {string} message
   */
  #fail(code, message) {
    const error = new Unreadable(code, message);
    const loading = this.#loading;
    this.close();
    if (loading) loading.reject(error);
    else this.#hooks.onFailed(error);
  }

  /** The video's frame of now, to a worker that gets none by itself. */
  async #show() {
    const frame = this.#video && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA
      ? await createImageBitmap(this.#video).catch(() => null) : null;
    this.#tell({ kind: "frame", frame }, frame ? [frame] : []);
  }
}

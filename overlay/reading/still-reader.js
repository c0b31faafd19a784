// Looks at still pictures in a worker of this page, so that they never leave the browser.

import { Unreadable } from "./loader.js";
import { BadPicture } from "./pictures.js";
import { started } from "./reader.js";

/** @import { Code } from "./loader.js" */
/** @import { TriedFace } from "./stills.js" */

/**
 * What was found in a picture of that many pixels, and the picture, upright.
 * @typedef {{ findings: { width: number, height: number, faces: TriedFace[],
 *   milliseconds: { load: number, decode: number, find: number, classify: number } }, bitmap: ImageBitmap }} Seen
 */

/** @typedef {(loaded: number, total: number) => void} Progress in bytes, as they are when unpacked */

export class StillReader {
  #worker = started("stills-worker.js");
  /** @type {Promise<number> | null} the milliseconds that it took */
  #loaded = null;
  #loadMs = 0;
  /** @type {Promise<unknown>} those who wait */
  #line = Promise.resolve();
  /** @type {{ resolve: (told: any) => void, reject: (error: Error) => void } | null} */
  #asked = null;
  /** @type {Progress} */
  #onProgress = () => {};

  constructor() {
    if (!this.#worker) return;
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = ({ message }) =>
      this.#fail(message ? "failed" : "offline", message || "The relay does not answer.");
  }

  /** Whether this browser has what it takes, as far as that is known. */
  get isAble() {
    return this.#worker !== null;
  }

  /**
   * The faces of a picture. The first one is waited with until what reads faces is loaded. Rejects with BadPicture, or
   * with Unreadable when this browser will look at none.
   *
   * @param {Blob | ImageBitmap} picture
   * @param {Progress} onProgress
   * @returns {Promise<Seen>}
   */
  look(picture, onProgress) {
    this.#onProgress = onProgress;
    const seen = this.#line.then(async () => {
      this.#loaded ??= this.#tell({ kind: "load" }).then(({ milliseconds }) => (this.#loadMs = milliseconds));
      await this.#loaded;
      const { findings, bitmap } = await this.#tell(
        { kind: "look", picture }, picture instanceof ImageBitmap ? [picture] : []);
      const load = this.#loadMs;
      this.#loadMs = 0; // told once
      return { findings: { ...findings, milliseconds: { load, ...findings.milliseconds } }, bitmap };
    });
    this.#line = seen.catch(() => {});
    return seen;
  }

  close() {
    this.#worker?.terminate();
    this.#worker = null;
  }

  /**
   * Ask the worker for something, and wait until it is done.
   *
   * @param {object} message
   * @param {Transferable[]} [transfer]
   * @returns {Promise<any>}
   */
  #tell(message, transfer = []) {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      if (this.#worker) this.#worker.postMessage(message, transfer);
      else this.#fail("too_old", "This browser is too old to read a face.");
    });
  }

  /** @param {any} data */
  #hear({ kind, ...told }) {
    if (kind === "progress") this.#onProgress(told.loaded, told.total);
    else if (kind === "failed") this.#fail(told.code, told.message);
    else if (kind === "bad") this.#asked?.reject(new BadPicture(told.reason));
    else this.#asked?.resolve(told);
  }

  /**
   * @param {Code} code
   * @param {string} message
   */
  #fail(code, message) {
    this.close();
    this.#asked?.reject(new Unreadable(code, message));
  }
}

// Who looks at a picture of /try: this browser, or the relay on the same computer where it can't.

import { jpeg } from "./camera.js";
import { isBetween, isObject, isText } from "./checks.js";
import { BASE } from "./contract.js";
import { Unreadable } from "./reading/loader.js";
import { StillReader } from "./reading/still-reader.js";
import { about, look } from "./recognise.js";

/** @import { About, Findings, Model } from "./recognise.js" */

/** The one that a browser has: what agents look with by default. */
const IN_THE_BROWSER = "moodnet";
const MOST_BYTES = 10_000_000; // of a picture's file
const LARGEST_TRANSFER = 1e9;

/** @typedef {"here" | "relay"} Place where a picture is looked at */
/** @typedef {{ findings: Findings, shown: ImageBitmap | HTMLCanvasElement | null }} Looked */

/** What this browser would load to look by itself, if the relay has it. */
async function assets() {
  const response = await fetch(new URL("v1/assets", BASE), { cache: "no-store" }).catch(() => null);
  const answer = response?.ok ? await response.json().catch(() => null) : null;
  if (!isObject(answer)) return null;
  const { state, transfer, advice } = answer;
  return {
    isReady: state === "ready",
    bytes: isBetween(transfer, 0, LARGEST_TRANSFER) ? transfer : 0,
    advice: isText(advice) ? advice : "",
  };
}

export class Trial {
  /** @type {StillReader | null} */
  #reader = null;
  /** @type {About | null} */
  #relay = null;
  /** Why the relay looks at nothing, in its own words. */
  refusal = "";
  /** Why this browser looks at nothing: a key of the texts, empty while it does. */
  why = "";
  /** What the owner of the relay can do about it. */
  advice = "";
  /** How much this browser has yet to load before it can look. */
  bytes = 0;

  /** Finds out who can look at pictures. */
  async begin() {
    const [told, files] = await Promise.all([about().catch((/** @type {Error} */ error) => error), assets()]);
    if (told instanceof Error) this.refusal = told.message;
    else if (told.unavailable) this.refusal = told.unavailable;
    else this.#relay = told;
    this.bytes = files?.bytes ?? 0;
    this.advice = files?.advice ?? "";
    if (files?.isReady) this.#reader = new StillReader();
    if (!this.#reader?.isAble) this.#give(files?.isReady ? "too_old" : "no_assets");
  }

  /** @returns {Model[]} the default first; none where nobody looks */
  get models() {
    const known = this.#relay?.models ?? [];
    return this.#reader && !known.some(({ name }) => name === IN_THE_BROWSER)
      ? [{ name: IN_THE_BROWSER, description: "" }, ...known] : known;
  }

  /** How large a picture's file may be. */
  get mostBytes() {
    return this.#relay ? Math.min(this.#relay.max_bytes, MOST_BYTES) : MOST_BYTES;
  }

  /**
   * @param {string} model
   * @returns {Place}
   */
  place(model) {
    return this.#reader && model === IN_THE_BROWSER ? "here" : "relay";
  }

  /**
   * The faces in a picture, and the picture as it was looked at. Nothing is sent that `place` has not told: a browser
   * that can't look after all rejects, with Unreadable, and the next picture is the relay's, or nobody's.
   *
   * @param {Blob | HTMLCanvasElement} picture a file, or a frame of the webcam
   * @param {string} model
   * @param {(loaded: number, total: number) => void} onProgress
   * @returns {Promise<Looked>}
   */
  async look(picture, model, onProgress) {
    if (!this.models.length) throw new Unreadable("failed", "Nobody looks at pictures.");
    const isFile = picture instanceof Blob;
    if (!this.#reader || this.place(model) === "relay") {
      const file = isFile ? picture : await jpeg(picture);
      const shown = isFile ? createImageBitmap(picture).catch(() => null) : picture;
      return { findings: await look(file, model), shown: await shown };
    }
    try {
      const frame = isFile ? picture : await createImageBitmap(picture);
      const { findings, bitmap } = await this.#reader.look(frame, onProgress);
      this.bytes = 0;
      return { findings: { ...findings, model }, shown: bitmap };
    } catch (error) {
      if (error instanceof Unreadable) this.#give(error.code);
      throw error;
    }
  }

  /** @param {string} why */
  #give(why) {
    this.#reader?.close();
    this.#reader = null;
    this.why = why;
  }
}

// The worker in which the pictures of /try are looked at, one after the other. None is kept, and none leaves it but to the
// page, which shows it.

import { Unreadable, load } from "./loader.js";
import { BadPicture, decoded, pixels } from "./pictures.js";
import { StillRecogniser } from "./stills.js";

const BASE = new URL("../..", import.meta.url); // of BASE/static/reading/stills-worker.js

const page = /** @type {{ postMessage(message: object, transfer?: Transferable[]): void }} */ (
  /** @type {unknown} */ (globalThis));

/** @type {StillRecogniser | null} */
let recogniser = null;

async function prepare() {
  try {
    const files = await load(BASE, (loaded, total) => page.postMessage({ kind: "progress", loaded, total }));
    const began = performance.now();
    recogniser = await StillRecogniser.create(files);
    page.postMessage({ kind: "ready", milliseconds: performance.now() - began });
  } catch (error) {
    failed(error);
  }
}

/** @param {Blob | ImageBitmap} picture a file, or a frame of the webcam */
async function look(picture) {
  if (!recogniser) return;
  const began = performance.now();
  try {
    const image = picture instanceof Blob ? await decoded(picture) : pixels(picture);
    const decode = performance.now() - began;
    const { milliseconds, ...seen } = await recogniser.look(image);
    const bitmap = await createImageBitmap(image);
    page.postMessage({ kind: "seen", findings: { ...seen, milliseconds: { decode, ...milliseconds } }, bitmap }, [bitmap]);
  } catch (error) {
    if (error instanceof BadPicture) page.postMessage({ kind: "bad", reason: error.reason });
    else failed(error);
  }
}

/** @param {unknown} error */
function failed(error) {
  page.postMessage({ kind: "failed", code: error instanceof Unreadable ? error.code : "failed", message: String(error) });
}

addEventListener("message", ({ data }) => void (data.kind === "load" ? prepare() : look(data.picture)));

// The worker in which a face is read: it takes frames at its own pace, which a hidden page's timers can't keep, looks at
// those that are worth it, and tells the page what each look made of the reading.

import { PACE } from "./constants.js";
import { Asked, Stream } from "./frames.js";
import { Unreadable, load } from "./loader.js";
import { Recogniser } from "./recogniser.js";
import { Sitting } from "./sitting.js";

/** @import { Frames } from "./frames.js" */

const BASE = new URL("../..", import.meta.url); // of BASE/static/reading/worker.js

const page = /** @type {{ postMessage(message: object): void }} */ (/** @type {unknown} */ (globalThis));

/** @type {Recogniser | null} */
let recogniser = null;
/** @type {Frames | null} */
let frames = null;
/** @type {Sitting | null} null while paused */
let sitting = null;
let isBusy = false;

async function tick() {
  page.postMessage({ kind: "tick" });
  if (isBusy || !frames || !sitting || !recogniser) return;
  isBusy = true;
  try {
    const seen = await sitting.look(frames, recogniser);
    if (seen) page.postMessage({ kind: "look", ...seen, time: performance.timeOrigin + seen.time });
  } catch (error) {
    failed(error);
  }
  isBusy = false;
}

/** @param {unknown} error */
function failed(error) {
  const code = error instanceof Unreadable ? error.code : "failed";
  page.postMessage({ kind: "failed", code, message: String(error) });
}

async function prepare() {
  try {
    const files = await load(BASE, (loaded, total) => page.postMessage({ kind: "progress", loaded, total }));
    recogniser = await Recogniser.create(files, { live: true });
    page.postMessage({ kind: "ready" });
  } catch (error) {
    failed(error);
  }
}

/** Nobody is looked at any more. */
function end() {
  sitting?.end();
  sitting = null;
}

/** Nothing of the face that was here before counts for the one that is here now. */
function begin() {
  end();
  sitting = new Sitting();
  recogniser?.begin();
}

addEventListener("message", ({ data }) => {
  if (data.kind === "load") void prepare();
  else if (data.kind === "watch") {
    frames?.close();
    frames = data.readable ? new Stream(data.readable) : new Asked(() => page.postMessage({ kind: "ask" }));
    begin();
  } else if (data.kind === "frame" && frames instanceof Asked) frames.came(data.frame);
  else if (data.kind === "pause") end();
  else if (data.kind === "resume") begin();
  else if (data.kind === "forget") recogniser?.forget();
});
setInterval(() => void tick(), 1000 / PACE.FPS);

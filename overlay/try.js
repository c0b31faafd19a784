// The page /try: a picture or the webcam, the faces in it, and how long it took.

import { Camera, jpeg } from "./camera.js";
import { palette } from "./contract.js";
import { find, only, write } from "./dom.js";
import { said } from "./figures.js";
import { Cards, milliseconds, outline, summary } from "./findings.js";
import { Refusal, about, look } from "./recognise.js";

/** @import { Findings, Model } from "./recognise.js" */

const BETWEEN_FRAMES_MS = 300;
const LARGEST_CANVAS = 1600; // pixels of the longer side: more than the page shows
const STAGES = /** @type {const} */ (["decode", "find", "classify"]);

const cards = new Cards(only(HTMLOListElement, "#faces"));
const outlines = only(SVGElement, "#outlines");
const video = only(HTMLVideoElement, "#video");
const chooser = only(HTMLInputElement, "#file");
const modelChoice = only(HTMLSelectElement, "#models");
const camera = new Camera(video, () => {
  stopCamera();
  tell("The camera went away.", "problem");
});
let maxBytes = Infinity;
/** @type {File | null} */
let chosen = null; // the picture that is shown
let turn = 0; // tells the answer to the last question from those that come too late

/** @param {string} text */
function tell(text, kind = "") {
  find("told").dataset.kind = kind;
  write(find("told"), text);
}

/** @param {string} text */
function alertUser(text) {
  find("alert").hidden = !text;
  find("alert").textContent = text;
}

/** @param {"nothing" | "picture" | "camera"} what */
function shows(what, ratio = 1) {
  find("stage").dataset.shows = what;
  find("frame").style.setProperty("--ratio", String(ratio));
}

function clear() {
  cards.clear();
  outlines.replaceChildren();
  find("numbers").replaceChildren();
  find("times").hidden = true;
}

/**
 * @param {Findings} findings
 * @param {CanvasImageSource} picture
 * @param {boolean} mirrored
 */
function present(findings, picture, mirrored) {
  outline(outlines, find("numbers"), findings, mirrored);
  cards.show(findings, picture);
  showTimes(findings.milliseconds);
}

/** @param {Findings["milliseconds"]} times */
function showTimes(times) {
  const total = STAGES.reduce((sum, stage) => sum + times[stage], 0);
  find("times").hidden = false;
  find("total").textContent = milliseconds(total);
  STAGES.forEach((stage) => {
    find(stage).textContent = milliseconds(times[stage]);
    only(HTMLElement, `[data-stage=${stage}]`, find("spent")).style.setProperty("--share", `${(100 * times[stage]) / total}%`);
  });
  find("load").textContent = times.load >= 1 ? `Besides, loading the model took ${milliseconds(times.load)}, once.` : "";
}

// --- a picture ----------------------------------------------------------------------------------------------------

/** @param {File} file */
async function take(file) {
  stopCamera();
  if (file.size > maxBytes) {
    tell(`${file.name || "The picture"} has ${megabytes(file.size)}, and ${megabytes(maxBytes)} is the most: choose a smaller one.`, "problem");
    return;
  }
  chosen = file;
  const mine = (turn += 1);
  clear();
  shows("nothing");
  tell("Looking…");
  try {
    const [findings, bitmap] = await Promise.all([look(file, modelChoice.value), createImageBitmap(file).catch(() => null)]);
    if (mine !== turn) return;
    if (!bitmap) throw new Error("This browser can't show the picture: save it as a JPEG, and choose that.");
    draw(bitmap);
    present(findings, bitmap, false);
    tell(summary(findings.faces));
  } catch (error) {
    if (mine !== turn) return;
    chosen = null;
    tell(said(error), "problem");
  }
}

/** @param {ImageBitmap} bitmap */
function draw(bitmap) {
  const scale = Math.min(1, LARGEST_CANVAS / Math.max(bitmap.width, bitmap.height));
  const canvas = only(HTMLCanvasElement, "#picture");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  shows("picture", bitmap.width / bitmap.height);
}

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes % 1e6 ? 1 : 0)} MB`;

/** @param {FileList | undefined} files */
function takeFirst(files) {
  if (files?.length) take(files[0]);
  else tell("That was no picture file: save it first, and choose the file.", "problem");
}

// --- the webcam ---------------------------------------------------------------------------------------------------

async function startCamera() {
  const mine = (turn += 1);
  chosen = null;
  clear();
  shows("nothing");
  setCameraButton(true);
  tell("Waiting for the camera…");
  try {
    if (!(await camera.start())) return;
  } catch (error) {
    if (mine !== turn) return;
    stopCamera();
    tell(said(error), "problem");
    return;
  }
  shows("camera", video.videoWidth / video.videoHeight);
  tell("The camera is on.");
  watch(mine);
}

/**
 * Look at one frame after the other until the camera stops.
 *
 * @param {number} mine its turn
 */
async function watch(mine) {
  while (mine === turn) {
    const began = performance.now();
    let wait = BETWEEN_FRAMES_MS;
    if (!document.hidden) {
      const frame = camera.frame();
      try {
        const findings = await look(await jpeg(frame), modelChoice.value);
        if (mine !== turn) return;
        present(findings, frame, true);
        tell(findings.faces.length ? "The camera is on." : "The camera is on; no face is seen.");
      } catch (error) {
        if (mine !== turn) return;
        const patience = error instanceof Refusal ? error.retryAfter : null;
        if (!patience) {
          stopCamera();
          tell(said(error), "problem");
          return;
        }
        wait = 1000 * patience;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait - (performance.now() - began))));
  }
}

function stopCamera() {
  if (!("on" in find("camera").dataset)) return;
  turn += 1;
  camera.stop();
  setCameraButton(false);
  clear();
  shows("nothing");
  tell("The camera is off.");
}

/** @param {boolean} on */
function setCameraButton(on) {
  find("camera").toggleAttribute("data-on", on);
  find("camera").textContent = on ? "Stop the webcam" : "Use the webcam";
}

// --- the page -----------------------------------------------------------------------------------------------------

/** @param {Model[]} models */
function describeModel(models) {
  find("model-text").textContent = models.find(({ name }) => name === modelChoice.value)?.description ?? "";
}

/** @param {Model[]} models */
function listen(models) {
  find("choose").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    if (chooser.files?.length) take(chooser.files[0]);
    chooser.value = ""; // the same file again is a change as well
  });
  find("camera").addEventListener("click", () => ("on" in find("camera").dataset ? stopCamera() : startCamera()));
  modelChoice.addEventListener("change", () => {
    describeModel(models);
    if (chosen) take(chosen);
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData?.files.length) take(clipboardData.files[0]);
  });
  document.addEventListener("drop", ({ dataTransfer }) => takeFirst(dataTransfer?.files));
  window.addEventListener("pagehide", stopCamera);
}

// Without these a browser leaves the page and opens what was dropped.
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    find("stage").toggleAttribute("data-over", kind === "dragover" && document.body.dataset.page === "ready");
  });
}

const controls = [only(HTMLButtonElement, "#choose"), only(HTMLButtonElement, "#camera"), modelChoice];
controls.forEach((control) => { control.disabled = true; });
try {
  for (const [name, colour] of Object.entries(await palette())) {
    document.documentElement.style.setProperty(`--moodcast-${name}`, colour);
  }
  const { models, unavailable, max_bytes: most } = await about();
  if (unavailable) throw new Error(unavailable);
  maxBytes = most;
  find("limit").textContent = megabytes(most);
  modelChoice.append(...models.map(({ name }) => new Option(name)));
  describeModel(models);
  controls.forEach((control) => { control.disabled = false; });
  listen(models);
  document.body.dataset.page = "ready";
  tell("Nothing to look at yet.");
} catch (error) {
  document.body.dataset.page = "unavailable";
  alertUser(said(error));
  tell("");
}

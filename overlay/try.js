// The page /try: a picture or the webcam, the faces in it, and how long it took.

import { Camera } from "./camera.js";
import { find, only, write } from "./dom.js";
import { percent, said } from "./figures.js";
import { Cards, milliseconds, outline, summary } from "./findings.js";
import { offerLanguages, recallLanguage } from "./languages.js";
import { Unreadable } from "./reading/loader.js";
import { BadPicture } from "./reading/pictures.js";
import { Refusal } from "./recognise.js";
import { fill, load, say } from "./texts.js";
import { Trial } from "./trial.js";

/** @import { Findings } from "./recognise.js" */

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
  tell(say("try.camera.gone"), "problem");
});
const trial = new Trial();
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
  find("load").textContent = times.load >= 1 ? say("try.loading", { time: milliseconds(times.load) }) : "";
}

// --- a picture ----------------------------------------------------------------------------------------------------

/** @param {File} file */
async function take(file) {
  stopCamera();
  if (file.size > trial.mostBytes) {
    const name = file.name || say("try.the_picture");
    tell(say("try.too_large", { name, size: megabytes(file.size), most: megabytes(trial.mostBytes) }), "problem");
    return;
  }
  chosen = file;
  const mine = (turn += 1);
  clear();
  shows("nothing");
  tell(say("try.looking"));
  try {
    const { findings, shown } = await look(file, mine);
    if (mine !== turn) return;
    if (!shown) throw new Error(say("try.unshowable"));
    draw(shown);
    present(findings, shown, false);
    release(shown);
    tell(summary(findings.faces));
  } catch (error) {
    if (mine !== turn) return;
    chosen = null;
    tell(why(error), "problem");
  }
}

/**
 * @param {Blob | HTMLCanvasElement} picture
 * @param {number} mine
 */
const look = (picture, mine) => trial.look(picture, modelChoice.value, (loaded, total) => {
  if (mine === turn) tell(say("try.getting", { share: percent(loaded / total) }));
}).finally(describeModel);

/**
 * What to say of an error; where this browser can't look at pictures, the page says from now on who does.
 *
 * @param {unknown} error
 */
function why(error) {
  if (error instanceof BadPicture) return say(`try.bad.${error.reason}`);
  return error instanceof Unreadable ? handedOver() : said(error);
}

/** What to say once somebody else looks at pictures, or nobody. */
function handedOver() {
  showWho();
  return say(trial.models.length ? "try.again" : "try.nobody");
}

/** @param {ImageBitmap | HTMLCanvasElement} bitmap */
function draw(bitmap) {
  const scale = Math.min(1, LARGEST_CANVAS / Math.max(bitmap.width, bitmap.height));
  const canvas = only(HTMLCanvasElement, "#picture");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  shows("picture", bitmap.width / bitmap.height);
}

/** A bitmap holds its memory until it is closed. @param {ImageBitmap | HTMLCanvasElement | null} shown */
function release(shown) {
  if (shown instanceof ImageBitmap) shown.close();
}

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes % 1e6 ? 1 : 0)} MB`;

/** @param {FileList | undefined} files */
function takeFirst(files) {
  if (files?.length) take(files[0]);
  else tell(say("try.no_file"), "problem");
}

// --- the webcam ---------------------------------------------------------------------------------------------------

async function startCamera() {
  const mine = (turn += 1), place = trial.place(modelChoice.value);
  chosen = null;
  clear();
  shows("nothing");
  setCameraButton(true);
  tell(say("try.camera.waiting"));
  try {
    if (!(await camera.start())) return;
  } catch (error) {
    if (mine !== turn) return;
    stopCamera();
    tell(said(error), "problem");
    return;
  }
  shows("camera", video.videoWidth / video.videoHeight);
  tell(say("try.camera.on"));
  watch(mine, place);
}

/**
 * Look at one frame after the other until the camera stops.
 *
 * @param {number} mine its turn
 * @param {"here" | "relay"} place where the page said that frames are looked at
 */
async function watch(mine, place) {
  while (mine === turn) {
    if (trial.place(modelChoice.value) !== place) { // a picture of before showed that this browser can't
      stopCamera();
      tell(handedOver(), "problem");
      return;
    }
    const began = performance.now();
    let wait = BETWEEN_FRAMES_MS;
    if (!document.hidden) {
      const frame = camera.frame();
      try {
        const { findings, shown } = await look(frame, mine);
        release(shown);
        if (mine !== turn) return;
        present(findings, frame, true);
        tell(say(findings.faces.length ? "try.camera.on" : "try.camera.no_face"));
      } catch (error) {
        if (mine !== turn) return;
        const patience = error instanceof Refusal ? error.retryAfter : null;
        if (!patience) {
          stopCamera();
          tell(why(error), "problem");
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
  tell(say("try.camera.off"));
}

/** @param {boolean} on */
function setCameraButton(on) {
  find("camera").toggleAttribute("data-on", on);
  find("camera").textContent = say(on ? "try.stop" : "try.start");
}

// --- the page -----------------------------------------------------------------------------------------------------

/** Which models there are to choose from, and who looks at pictures with the one that is chosen. */
function showWho() {
  const { models } = trial, model = modelChoice.value;
  modelChoice.replaceChildren(...models.map(({ name }) => new Option(name)));
  if (models.some(({ name }) => name === model)) modelChoice.value = model;
  controls.forEach((control) => { control.disabled = !models.length; });
  find("limit").textContent = megabytes(trial.mostBytes);
  if (models.length) describeModel();
  else find("where").hidden = true;
}

function describeModel() {
  const place = trial.place(modelChoice.value);
  const reason = trial.why ? say("try.cannot", { why: say(`try.lacks.${trial.why}`) }) : say("try.other_model");
  find("model-text").textContent = trial.models.find(({ name }) => name === modelChoice.value)?.description ?? "";
  find("where").dataset.place = place;
  const first = trial.bytes ? ` ${say("try.first", { size: megabytes(trial.bytes) })}` : "";
  write(find("where"), place === "here" ? say("try.here") + first : `${reason} ${say("try.privacy")}`);
}

/** Somebody else looks at pictures from now on: that is to be read first. */
function restart() {
  stopCamera();
  chosen = null;
  turn += 1;
  clear();
  shows("nothing");
  tell(say("try.again"));
}

function listen() {
  find("choose").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    if (chooser.files?.length) take(chooser.files[0]);
    chooser.value = ""; // the same file again is a change as well
  });
  find("camera").addEventListener("click", () => ("on" in find("camera").dataset ? stopCamera() : startCamera()));
  modelChoice.addEventListener("change", () => {
    const before = find("where").dataset.place;
    describeModel();
    if (find("where").dataset.place !== before) restart();
    else if (chosen) void take(chosen);
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
  recallLanguage();
  await load("common", "try");
  fill();
  offerLanguages(only(HTMLSelectElement, "#languages"));
  await trial.begin();
  showWho();
  if (!trial.models.length) {
    throw new Error([say("try.cannot", { why: say(`try.lacks.${trial.why}`) }), trial.advice, trial.refusal].filter(Boolean).join(" "));
  }
  listen();
  document.body.dataset.page = "ready";
  tell(say("try.nothing"));
} catch (error) {
  document.body.dataset.page = "unavailable";
  alertUser(said(error));
  tell("");
}

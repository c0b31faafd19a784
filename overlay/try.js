// The page /try: a picture or the webcam, the faces in it, and how long it took.

import { Camera, jpeg } from "./camera.js";
import { palette } from "./contract.js";
import { Cards, milliseconds, outline, summary } from "./findings.js";
import { about, look } from "./recognise.js";

const BETWEEN_FRAMES_MS = 300;
const LARGEST_CANVAS = 1600; // pixels of the longer side: more than the page shows
const STAGES = ["decode", "find", "classify"];

const find = (id) => document.getElementById(id);
const cards = new Cards(find("faces"));
const camera = new Camera(find("video"), () => {
  stopCamera();
  tell("The camera went away.", "problem");
});
let maxBytes = Infinity;
let chosen = null; // the picture that is shown
let turn = 0; // tells the answer to the last question from those that come too late

function tell(text, kind = "") {
  find("told").dataset.kind = kind;
  if (find("told").textContent !== text) find("told").textContent = text;
}

function alertUser(text) {
  find("alert").hidden = !text;
  find("alert").textContent = text;
}

function shows(what, ratio = 1) {
  find("stage").dataset.shows = what;
  find("frame").style.setProperty("--ratio", ratio);
}

function clear() {
  cards.clear();
  find("outlines").replaceChildren();
  find("numbers").replaceChildren();
  find("times").hidden = true;
}

function present(findings, picture, mirrored) {
  outline(find("outlines"), find("numbers"), findings, mirrored);
  cards.show(findings, picture);
  showTimes(findings.milliseconds);
}

function showTimes(times) {
  const total = STAGES.reduce((sum, stage) => sum + times[stage], 0);
  find("times").hidden = false;
  find("total").textContent = milliseconds(total);
  STAGES.forEach((stage, index) => {
    find(stage).textContent = milliseconds(times[stage]);
    find("spent").children[index].style.setProperty("--share", `${(100 * times[stage]) / total}%`);
  });
  find("load").textContent = times.load >= 1 ? `Besides, loading the model took ${milliseconds(times.load)}, once.` : "";
}

// --- a picture ----------------------------------------------------------------------------------------------------

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
    const [findings, bitmap] = await Promise.all([look(file, find("models").value), createImageBitmap(file).catch(() => null)]);
    if (mine !== turn) return;
    if (!bitmap) throw new Error("This browser can't show the picture: save it as a JPEG, and choose that.");
    draw(bitmap);
    present(findings, bitmap, false);
    tell(summary(findings.faces));
  } catch (error) {
    if (mine !== turn) return;
    chosen = null;
    tell(error.message, "problem");
  }
}

function draw(bitmap) {
  const scale = Math.min(1, LARGEST_CANVAS / Math.max(bitmap.width, bitmap.height));
  const canvas = find("picture");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  shows("picture", bitmap.width / bitmap.height);
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes % 1e6 ? 1 : 0)} MB`;

function takeFirst(files) {
  const [file] = files;
  if (file) take(file);
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
    tell(error.message, "problem");
    return;
  }
  shows("camera", find("video").videoWidth / find("video").videoHeight);
  tell("The camera is on.");
  watch(mine);
}

/** Look at one frame after the other until the camera stops. */
async function watch(mine) {
  while (mine === turn) {
    const began = performance.now();
    let wait = BETWEEN_FRAMES_MS;
    if (!document.hidden) {
      const frame = camera.frame();
      try {
        const findings = await look(await jpeg(frame), find("models").value);
        if (mine !== turn) return;
        present(findings, frame, true);
        tell(findings.faces.length ? "The camera is on." : "The camera is on; no face is seen.");
      } catch (error) {
        if (mine !== turn) return;
        if (!error.retryAfter) {
          stopCamera();
          tell(error.message, "problem");
          return;
        }
        wait = 1000 * error.retryAfter;
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

function setCameraButton(on) {
  find("camera").toggleAttribute("data-on", on);
  find("camera").textContent = on ? "Stop the webcam" : "Use the webcam";
}

// --- the page -----------------------------------------------------------------------------------------------------

function describeModel(models) {
  find("model-text").textContent = models.find(({ name }) => name === find("models").value)?.description ?? "";
}

function listen(models) {
  find("choose").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", ({ target }) => {
    if (target.files.length) take(target.files[0]);
    target.value = ""; // the same file again is a change as well
  });
  find("camera").addEventListener("click", ({ currentTarget }) =>
    "on" in currentTarget.dataset ? stopCamera() : startCamera());
  find("models").addEventListener("change", () => {
    describeModel(models);
    if (chosen) take(chosen);
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) take(clipboardData.files[0]);
  });
  document.addEventListener("drop", ({ dataTransfer }) => takeFirst(dataTransfer.files));
  window.addEventListener("pagehide", stopCamera);
}

// Without these a browser leaves the page and opens what was dropped.
for (const [kind, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    find("stage").toggleAttribute("data-over", over && document.body.dataset.page === "ready");
  });
}

const controls = document.querySelectorAll(".controls :is(button, select)");
controls.forEach((control) => { control.disabled = true; });
try {
  for (const [name, colour] of Object.entries(await palette())) {
    document.documentElement.style.setProperty(`--moodcast-${name}`, colour);
  }
  const { models, unavailable, max_bytes: most } = await about();
  if (unavailable) throw new Error(unavailable);
  maxBytes = most;
  find("limit").textContent = megabytes(most);
  find("models").append(...models.map(({ name }) => new Option(name)));
  describeModel(models);
  controls.forEach((control) => { control.disabled = false; });
  listen(models);
  document.body.dataset.page = "ready";
  tell("Nothing to look at yet.");
} catch (error) {
  document.body.dataset.page = "unavailable";
  alertUser(error.message);
  tell("");
}

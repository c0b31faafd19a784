// What is shared now, and the visitor's own picture with what was seen in it. The picture is drawn from the camera itself.

import { find, make, only, write } from "../dom.js";
import { pictureUrl } from "../contract.js";
import { say } from "../texts.js";
import { besideFace, cameraAction, inPlaceOfPicture, mainAction, status } from "./state.js";
import { spell } from "./words.js";

/** @import { Flow } from "./flow.js" */
/** @import { Box, State } from "./state.js" */

export class LiveView {
  #video = only(HTMLVideoElement, "#video");
  #box = only(SVGElement, "#box");
  #rects = [...this.#box.querySelectorAll("rect")];
  #mirror = find("mirror");
  #noPicture = find("no-picture");
  #beside = find("beside");
  #dot = only(HTMLElement, ".dot");
  #channel = find("live-channel");
  #face = only(HTMLImageElement, "#status-face");
  #headline = find("headline");
  #details = find("details");
  #told = find("told");
  #progress = only(HTMLProgressElement, "#progress");
  #buttons = {
    pause: find("pause"), resume: find("resume"), stop: find("stop"), camera: find("use-camera"), taps: find("use-taps"),
    hide: find("hide"),
  };
  #hidden = false;
  #toldOf = "";

  /** @param {() => Flow} flow that runs now */
  constructor(flow) {
    this.flow = flow;
    const { pause, resume, stop, camera, taps, hide } = this.#buttons;
    pause.addEventListener("click", () => {
      flow().pause();
      resume.focus();
    });
    resume.addEventListener("click", ({ detail }) => {
      if (detail > 1) return; // Pause was clicked twice, and this came to lie under the second click
      flow().resume();
      pause.focus();
    });
    stop.addEventListener("click", () => flow().stop());
    camera.addEventListener("click", () => flow().camera());
    taps.addEventListener("click", () => flow().taps());
    hide.addEventListener("click", () => {
      this.#hidden = !this.#hidden;
      write(hide, say(this.#hidden ? "join.live.show" : "join.live.hide"));
      this.show(flow().state);
    });
    find("live").addEventListener("keydown", (event) => { // who holds Enter on Pause would go on to press Resume
      if (event.repeat && event.key === "Enter" && event.target instanceof HTMLButtonElement) event.preventDefault();
    });
    this.#video.addEventListener("resize", () => {
      const { videoWidth: width, videoHeight: height } = this.#video;
      if (width && height) this.#mirror.style.setProperty("--ratio", String(width / height));
    });
  }

  /** @param {State} state */
  show(state) {
    this.#showPicture(state);
    const { headline, details, tone, face } = status(state);
    write(this.#channel, state.channel);
    this.#dot.dataset.tone = tone;
    write(this.#headline, spell(headline));
    const lines = details.map(spell);
    if (this.#details.textContent !== lines.join("")) {
      this.#details.replaceChildren(...lines.map((textContent) => make("p", { textContent })));
    }
    const src = pictureUrl(face ?? "neutral");
    if (this.#face.src !== src) this.#face.src = src;
    this.#face.toggleAttribute("data-pale", !face);
    this.#tell(headline, lines[0] ?? "");
    const { here, size } = state.loaded;
    this.#progress.hidden = state.reader !== "loading" || !size;
    this.#progress.value = size ? here / size : 0;
    this.#showButtons(state);
  }

  /**
   * Read out how it stands, but not each word that is shared: those change all the time.
   *
   * @param {import("./state.js").Words} headline
   * @param {string} detail
   */
  #tell(headline, detail) {
    const key = "key" in headline ? headline.key : headline.text;
    if (key === this.#toldOf) return;
    this.#toldOf = key;
    write(this.#told, `${spell(headline)}. ${detail}`);
  }

  /** @param {State} state */
  #showButtons(state) {
    const { pause, resume, camera, taps, hide } = this.#buttons;
    const main = mainAction(state);
    pause.hidden = main !== "pause";
    resume.hidden = main !== "resume";
    const action = cameraAction(state);
    camera.hidden = action !== "camera" && action !== "retry";
    write(camera, say(action === "retry" ? "join.again" : "join.live.camera"));
    taps.hidden = state.wish !== "face";
    hide.hidden = state.camera === "off";
  }

  /** @param {State} state */
  #showPicture(state) {
    const { stream } = this.flow();
    if (this.#video.srcObject !== stream) {
      this.#video.srcObject = stream;
      if (stream) this.play();
    }
    const instead = inPlaceOfPicture(state);
    this.#mirror.hidden = this.#hidden && !instead;
    this.#mirror.toggleAttribute("data-blank", instead !== null);
    write(this.#noPicture, instead ? spell(instead) : "");
    const box = instead ? null : state.box;
    this.#box.toggleAttribute("hidden", !box);
    const beside = box ? besideFace(state) : null;
    this.#beside.hidden = !beside;
    if (beside) write(this.#beside, spell(beside));
    if (box) this.#frame(box);
  }

  /** The picture goes on, also after it was moved to another window. */
  play() {
    this.#video.play().catch(() => {}); // it was turned off meanwhile
  }

  /** @param {Box} box mirrored, as the picture is */
  #frame([left, top, right, bottom]) {
    for (const rect of this.#rects) {
      const places = { x: 1 - right, y: top, width: right - left, height: bottom - top };
      for (const [name, share] of Object.entries(places)) rect.setAttribute(name, (100 * share).toFixed(1));
    }
    const { style } = this.#beside;
    style.setProperty("--left", `${(100 * Math.min(0.6, Math.max(0.02, 1 - right))).toFixed(1)}%`);
    style.setProperty("--top", `${(100 * Math.min(0.98, Math.max(0.14, top))).toFixed(1)}%`);
  }
}

// The preview: the real overlay in a frame, fed by this page as the OBS script feeds it. A changed address is loaded into a
// second frame, which takes the first one's place once it shows the same audience: nothing flickers.

import { EXPRESSIONS } from "./contract.js";
import { play } from "./demo.js";
import { make } from "./dom.js";
import { say } from "./texts.js";

/** @import { Message } from "./contract.js" */
/** @import { Mood } from "./protocol.d.ts" */

const PATIENCE_MS = 4000; // for a frame that does not get ready
const LOOK_MS = 30;
const SIGN_S = 5; // of the countdown that is tried

/** @param {HTMLIFrameElement} frame */
const rootOf = (frame) => frame.contentDocument?.querySelector(".moodcast") ?? null;

/** @param {HTMLIFrameElement} frame */
function isReady(frame) {
  const root = rootOf(frame);
  return root?.getAttribute("data-state") === "live" && [...root.querySelectorAll("img")].every((image) => image.complete);
}

/** @param {HTMLIFrameElement} frame @returns {(Window & typeof globalThis) | null} */
const windowOf = (frame) => /** @type {(Window & typeof globalThis) | null} */ (frame.contentWindow);

/**
 * After the page's own sheets, as OBS puts in what stands in a browser source's Custom CSS.
 *
 * @param {HTMLIFrameElement} frame
 * @param {string} css
 */
function dress(frame, css) {
  const window = windowOf(frame);
  if (!window) return;
  const sheet = new window.CSSStyleSheet();
  sheet.replaceSync(css);
  window.document.adoptedStyleSheets = [sheet];
}

/**
 * As OBS fires the script's events.
 *
 * @param {HTMLIFrameElement} frame
 * @param {Message} message
 */
function push(frame, message) {
  const window = windowOf(frame);
  window?.dispatchEvent(new window.CustomEvent("moodcast", { detail: message }));
}

export class Preview {
  /** @type {HTMLIFrameElement | undefined} */
  #shown;
  /** @type {HTMLIFrameElement | undefined} */
  #coming;
  /** @type {Mood | undefined} */
  #mood;
  #address = "";
  #css = "";
  #size = { width: 1920, height: 1080 };

  /**
   * @param {HTMLElement} stage has the screen in its middle
   * @param {HTMLElement} screen has the background, and gets the frames
   * @param {() => void} onReady whenever another frame is shown
   */
  constructor(stage, screen, onReady) {
    this.screen = screen;
    this.stage = stage;
    this.onReady = onReady;
    new ResizeObserver(() => this.#fit()).observe(stage);
    play((message) => this.send(message));
  }

  /**
   * @param {string} address of the overlay's page, with source=obs
   * @param {string} css
   */
  show(address, css) {
    this.#css = css;
    for (const frame of this.#frames()) dress(frame, css);
    if (address === this.#address) return;
    this.#address = address;
    this.#coming?.remove();
    const frame = this.#coming = make("iframe", { title: say("settings.preview.frame"), src: address, tabIndex: -1, className: "coming" });
    frame.addEventListener("load", () => this.#take(frame));
    this.screen.append(frame);
    this.#fit();
  }

  /**
   * @param {number} width pixels of the browser source
   * @param {number} height
   */
  resize(width, height) {
    this.#size = { width, height };
    this.#fit();
  }

  /** @param {Message} message */
  send(message) {
    if (message.type === "mood") this.#mood = message;
    for (const frame of this.#frames()) push(frame, message);
  }

  /** What a custom property is in the frame that is shown; empty where there is none. @param {string} name */
  valueOf(name) {
    const root = this.#shown && rootOf(this.#shown);
    return root ? getComputedStyle(root).getPropertyValue(`--moodcast-${name}`).trim() : "";
  }

  /** @param {"tap" | "burst" | "moment" | "countdown" | "face"} what */
  attempt(what) {
    const time = Date.now() / 1000;
    const shares = this.#mood?.shares ?? EXPRESSIONS.map(() => 0);
    const strongest = shares.indexOf(Math.max(...shares.slice(0, -1)));
    const name = EXPRESSIONS[strongest];
    /** @type {Record<typeof what, Message>} */
    const messages = {
      tap: { type: "reaction", kind: "tap", name: "heart", time, count: 12, strength: 0.1 },
      burst: { type: "reaction", kind: "expression", name: "happy", time, count: 64, strength: 0.5 },
      moment: { type: "moment", kind: "expression", name, time, ago: 5, share: shares[strongest], rise: 0.5, score: 15 },
      countdown: { type: "countdown", time, seconds: SIGN_S, zero: time + SIGN_S },
      face: { type: "face", time, emotion: "happy", delay: 0 },
    };
    this.send(messages[what]);
  }

  #frames() {
    return [this.#shown, this.#coming].filter((frame) => frame !== undefined);
  }

  /** @param {HTMLIFrameElement} frame that was loaded */
  async #take(frame) {
    dress(frame, this.#css);
    if (this.#mood) push(frame, this.#mood);
    const late = performance.now() + PATIENCE_MS;
    while (frame === this.#coming && !isReady(frame) && performance.now() < late) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    if (frame !== this.#coming) return;
    for (const animation of frame.contentDocument?.getAnimations() ?? []) {
      if ("transitionProperty" in animation) animation.finish(); // it need not come in: its audience is there already
    }
    frame.classList.remove("coming");
    this.#shown?.remove();
    this.#shown = frame;
    this.#coming = undefined;
    this.onReady();
  }

  /** The screen as large as the stage has room for, and the frames in their own pixels on it. */
  #fit() {
    const { width, height } = this.#size;
    const scale = Math.min(this.stage.clientWidth / width, this.stage.clientHeight / height);
    Object.assign(this.screen.style, { width: `${Math.ceil(width * scale)}px`, height: `${Math.ceil(height * scale)}px` });
    for (const { style } of this.#frames()) {
      Object.assign(style, { width: `${width}px`, height: `${height}px`, transform: `scale(${scale})` });
    }
  }
}

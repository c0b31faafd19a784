// Over the chart's canvas: the moments' faces and the markers' flags, each a button.

import { EXPRESSIONS } from "../contract.js";
import { make, picture } from "../dom.js";
import { percent } from "../figures.js";
import { labelOf } from "./chapters.js";
import { xOf } from "./panels.js";
import { drawnIn } from "./scene.js";
import { told } from "./times.js";
import { thinned } from "./zoom.js";

/** @import { Marker } from "../protocol.d.ts" */
/** @import { Peak } from "./chapters.js" */
/** @import { Painter } from "./painter.js" */
/** @import { Scene } from "./scene.js" */

const FACE_ROOM = 22; // faces closer than this many pixels would hide each other: the stronger one is drawn
const FLAG_ROOM = 6;

/** @typedef {{ x: number, time: number, score: number, key: string }} Mark */

/**
 * Those of the scene that are drawn, with their place.
 *
 * @template {{ time: number }} Kind
 * @param {Scene} scene
 * @param {Kind[]} events
 * @param {(event: Kind) => number} score
 * @param {number} room
 */
export function placed({ panels: [panel], range }, events, score, room) {
  const there = events.filter(({ time }) => time >= range.from && time <= range.to);
  return thinned(there.map((event) => ({ ...event, x: xOf(panel, range, event.time), score: score(event) })), room);
}

/** @param {Scene} scene @param {Peak[]} peaks */
export const placedPeaks = (scene, peaks) => placed(scene, peaks, ({ score }) => score, FACE_ROOM);
/** @param {Scene} scene @param {Marker[]} markers */
export const placedMarkers = (scene, markers) => placed(scene, markers, () => 0, FLAG_ROOM);

/**
 * The moment's point on its line, where that line is drawn.
 *
 * @param {Painter} painter
 * @param {Scene} scene
 * @param {Peak} peak
 */
export function paintPeak(painter, { look, panels: [panel] }, { kind, name, time, share }) {
  const channel = kind === "expression" ? EXPRESSIONS.indexOf(name) : -1;
  if (look.stacked || look.against || look.measure !== "share" || !drawnIn(look).includes(channel)) return;
  painter.dot(panel, time, share, painter.colours.channels[channel]);
}

export class Marks {
  root = make("div", { className: "chart-marks" });
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();
  /** @type {Mark[]} */
  #placed = [];

  /** @param {(time: number) => void} chosen */
  constructor(chosen) {
    this.chosen = chosen;
  }

  /**
   * @param {Scene} scene
   * @param {Peak[]} peaks
   * @param {Marker[]} markers
   * @param {Painter} painter
   * @param {string} colour of the markers
   */
  place(scene, peaks, markers, painter, colour) {
    const faces = placedPeaks(scene, peaks).map((peak) => ({ ...peak, key: `${peak.time} ${peak.name}`, text: this.#peakText(scene, peak) }));
    const flags = placedMarkers(scene, markers).map((marker) => ({ ...marker, key: `${marker.time} ${marker.text}` }));
    const { top, height } = scene.panels[0];
    faces.forEach((peak) => paintPeak(painter, scene, peak));
    flags.forEach(({ time }) => painter.upright(scene.panels, time, colour, [5, 4]));
    this.#placed = [...faces, ...flags];
    const stale = new Set(this.#buttons.keys());
    for (const { x, key, name, text } of faces) {
      stale.delete(key);
      this.#put(key, x, 4, text, () => {
        const button = make("button", { type: "button", className: "chart-peak" });
        button.append(picture(name));
        return button;
      });
    }
    for (const { x, key, time, text } of flags) {
      stale.delete(key);
      this.#put(key, x, top + height - 24, `${told(time, scene.look.times, scene.start)}: ${text}`, () =>
        make("button", { type: "button", className: "chart-marker" }));
    }
    for (const key of stale) {
      this.#buttons.get(key)?.remove();
      this.#buttons.delete(key);
    }
  }

  /** @param {Scene} scene @param {Peak} peak */
  #peakText({ look, start }, { time, name, share }) {
    return `${told(time, look.times, start)}: ${labelOf(name)}, ${percent(share)}`;
  }

  /**
   * The button of a mark where it belongs: the same as before, or it would lose the focus.
   *
   * @param {string} key
   * @param {number} x
   * @param {number} y
   * @param {string} text
   * @param {() => HTMLButtonElement} made
   */
  #put(key, x, y, text, made) {
    let button = this.#buttons.get(key);
    if (!button) {
      button = made();
      const time = Number(key.split(" ", 1)[0]);
      button.addEventListener("click", () => this.chosen(time));
      this.#buttons.set(key, button);
      this.root.append(button);
    }
    if (button.title !== text) {
      button.title = text;
      button.setAttribute("aria-label", text);
    }
    button.style.transform = `translate(${x.toFixed(1)}px, ${y}px)`;
  }

  /**
   * The time of the mark that is nearest to a pixel, where one is as near as that.
   *
   * @param {number} x
   * @param {number} room
   */
  near(x, room) {
    let best = null;
    for (const mark of this.#placed) {
      const far = Math.abs(mark.x - x);
      if (far <= room && (!best || far < Math.abs(best.x - x))) best = mark;
    }
    return best?.time ?? null;
  }
}

// The chart as a picture to save: with a title and what its colours mean.

import { pictureUrl } from "../contract.js";
import { make } from "../dom.js";
import { say } from "../texts.js";
import { paintPeak, placedMarkers, placedPeaks } from "./marks.js";
import { Painter } from "./painter.js";
import { channelWord, drawnIn, paintScene, sceneOf } from "./scene.js";

/** @import { History } from "../history.js" */
/** @import { Peak } from "./chapters.js" */
/** @import { Colours } from "./painter.js" */
/** @import { Look } from "./scene.js" */
/** @import { Range } from "./zoom.js" */

const SIZE = { width: 1280, height: 720 };
const HEAD = 86; // pixels above the chart
const EDGE = 24;
const RATIO = 1.5; // 1920 x 1080
const FACE = 22;

/** @param {string} name of an expression or a tap */
async function faceOf(name) {
  const image = make("img", { src: pictureUrl(name), width: 96, height: 96 });
  await image.decode();
  return image;
}

/**
 * @param {{ history: History, look: Look, range: Range, start: number, peaks: Peak[], colours: Colours, title: string,
 *   details: string }} shown
 * @returns {Promise<Blob>} a PNG
 */
export async function chartPicture({ history, look, range, start, peaks, colours, title, details }) {
  const canvas = make("canvas", { width: SIZE.width * RATIO, height: SIZE.height * RATIO });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scene = sceneOf(history, look, range, start, { width: SIZE.width - 2 * EDGE, height: SIZE.height - HEAD - EDGE / 2 });
  const painter = new Painter(context, scene.range, scene.step, colours);
  painter.clear(SIZE.width, SIZE.height, RATIO);
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, SIZE.width, SIZE.height);
  context.translate(EDGE, 0);
  const font = context.font.replace(/^\S+ /, "");
  context.textBaseline = "alphabetic";
  context.fillStyle = colours.text;
  context.font = `600 24px ${font}`;
  context.fillText(title, 0, 44, SIZE.width - 2 * EDGE);
  context.fillStyle = colours.muted;
  context.font = `14px ${font}`;
  context.fillText(details, 0, 68, SIZE.width / 2);
  legend(context, look, colours);
  context.font = `13px ${font}`;
  context.translate(0, HEAD);
  paintScene(painter, scene);
  const faces = placedPeaks(scene, peaks);
  const drawn = new Map(await Promise.all([...new Set(faces.map(({ name }) => name))].map(async (name) =>
    /** @type {const} */ ([name, await faceOf(name)]))));
  for (const peak of faces) {
    paintPeak(painter, scene, peak);
    context.drawImage(/** @type {HTMLImageElement} */ (drawn.get(peak.name)), peak.x - FACE / 2, 6, FACE, FACE);
  }
  context.textAlign = "left";
  for (const { x, time, text } of placedMarkers(scene, history.markers)) {
    painter.upright(scene.panels, time, colours.mark, [5, 4]);
    context.fillStyle = colours.mark;
    context.fillText(text, x + 6, scene.panels[0].top + 14, 200);
  }
  return new Promise((resolve, reject) => canvas.toBlob((blob) =>
    blob ? resolve(blob) : reject(new Error(say("session.no_picture"))), "image/png"));
}

/**
 * What the colours mean, from the right.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Look} look
 * @param {Colours} colours
 */
function legend(context, look, colours) {
  let right = SIZE.width - 2 * EDGE;
  context.textAlign = "right";
  for (const channel of [...drawnIn(look)].reverse()) {
    const words = channelWord(channel);
    context.fillStyle = colours.text;
    context.fillText(words, right, 68);
    right -= context.measureText(words).width + 16;
    context.fillStyle = colours.channels[channel];
    context.fillRect(right, 58, 12, 12);
    right -= 14;
  }
  context.textAlign = "left";
}

// Picture files become pixels. The head of a file tells how large the picture is before the browser decodes it: one of a
// few kilobytes can claim gigabytes. The limits are those of relay/http/decoder.py.

/** @import { Image } from "./pixels.js" */

/** Larger pictures are shrunk to it. */
const WORKING_SIDE = 2048;
const MAX_PIXELS = 50_000_000;

/** @typedef {"unknown" | "pixels" | "broken"} Reason why a picture is not looked at */

export class BadPicture extends Error {
  /** @param {Reason} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Width and height of the picture in a JPEG, PNG, WebP or GIF file, not turned; null where it is none of these, [0, 0]
 * where none is found.
 *
 * @param {Uint8Array} file
 * @returns {[number, number] | null}
 */
export function measured(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    if (starts(file, 0, "\x89PNG\r\n\x1a\n")) return [view.getUint32(16), view.getUint32(20)];
    if (starts(file, 0, "GIF8")) return ofGif(view);
    if (starts(file, 0, "RIFF") && starts(file, 8, "WEBP")) return ofWebP(file, view);
    return starts(file, 0, "\xff\xd8\xff") ? ofJpeg(view) : null;
  } catch (error) {
    if (error instanceof RangeError) return [0, 0];
    throw error;
  }
}

/**
 * @param {Uint8Array} file
 * @param {number} at
 * @param {string} bytes
 */
const starts = (file, at, bytes) => Array.from(bytes).every((byte, i) => file[at + i] === byte.charCodeAt(0));

/**
 * @param {Uint8Array} file
 * @param {DataView} view
 * @returns {[number, number]}
 */
function ofWebP(file, view) {
  const three = (/** @type {number} */ at) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  if (starts(file, 12, "VP8X")) return [1 + three(24), 1 + three(27)];
  if (starts(file, 12, "VP8L")) {
    const bits = view.getUint32(21, true);
    return [1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)];
  }
  return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
}

/**
 * The first frame's, where that is larger than the screen that the head tells of: browsers then decode all of it.
 *
 * @param {DataView} view
 * @returns {[number, number]}
 */
function ofGif(view) {
  const two = (/** @type {number} */ at) => view.getUint16(at, true);
  const colours = (/** @type {number} */ flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + colours(view.getUint8(10));
  while (view.getUint8(at) === 0x21) { // an extension, in blocks up to an empty one
    for (at += 2; view.getUint8(at); at += 1 + view.getUint8(at));
    at += 1;
  }
  if (view.getUint8(at) !== 0x2c) return [0, 0];
  return [Math.max(two(6), two(at + 1) + two(at + 5)), Math.max(two(8), two(at + 3) + two(at + 7))];
}

/**
 * @param {DataView} view
 * @returns {[number, number]}
 */
function ofJpeg(view) {
  for (let at = 2; ;) {
    // What is no marker is skipped, as decoders do.
    while (view.getUint8(at) !== 0xff || view.getUint8(at + 1) === 0xff || view.getUint8(at + 1) === 0) at += 1;
    const marker = view.getUint8(at + 1);
    if (marker === 0xd9 || marker === 0xda) return [0, 0];
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    const isBare = marker === 1 || (marker >= 0xd0 && marker <= 0xd7); // no length follows
    at += 2 + (isBare ? 0 : view.getUint16(at + 2));
  }
}

/**
 * A picture file, decoded and upright, no larger than is looked at. Rejects with BadPicture.
 *
 * @param {Blob} file
 */
export async function decoded(file) {
  const size = measured(new Uint8Array(await file.arrayBuffer()));
  if (!size) throw new BadPicture("unknown");
  if (!(size[0] && size[1])) throw new BadPicture("broken"); // a decoder might find more than was found here
  if (size[0] * size[1] > MAX_PIXELS) throw new BadPicture("pixels");
  const whole = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new BadPicture("broken");
  });
  return pixels(whole);
}

/**
 * A bitmap's pixels, of a larger one as many as are looked at; the bitmap is closed.
 *
 * @param {ImageBitmap} bitmap
 * @returns {Image & ImageData}
 */
export function pixels(bitmap) {
  const scale = Math.min(1, WORKING_SIDE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
  if (!context) throw new Error("no canvas to draw a picture on");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

// Pictures made grey, smaller or larger to the very values that OpenCV gives the agent, or within one of them.

/**
 * @typedef {{ data: Uint8ClampedArray, width: number, height: number }} Image RGBA, as an ImageData has it
 */

/**
 * A part of a picture, or all of it, without a copy. `start` is the index of its first pixel's first value, `stride`
 * that many values lie between two of its rows.
 *
 * @typedef {{ data: Uint8ClampedArray, start: number, stride: number, width: number, height: number }} Part RGBA
 */

const CHANNELS = 4;
const [RED, GREEN, BLUE, GREY_BITS] = [9798, 19235, 3735, 15];
/** Fixed point of the weights with which a picture is enlarged. */
const WEIGHT_BITS = 11;
/** In pixels: a smaller share of one counts as none. */
const SLIVER = 1e-3;

/**
 * A grey value, 0..255.
 *
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export const greyOf = (red, green, blue) =>
  (red * RED + green * GREEN + blue * BLUE + (1 << (GREY_BITS - 1))) >> GREY_BITS;

/**
 * All of a picture's grey values, row by row.
 *
 * @param {Image} image
 */
export function grey({ data, width, height }) {
  const found = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < found.length; i++, at += CHANNELS) found[i] = greyOf(data[at], data[at + 1], data[at + 2]);
  return found;
}

/**
 * The nearest whole number; of two, the even one, as Python and OpenCV have it.
 *
 * @param {number} value
 */
export function rounded(value) {
  const low = Math.floor(value), rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/**
 * Rows `top` to `bottom` (not included) of a picture, every `step`th of them, from column `left` to `right`.
 *
 * @param {Image} image
 * @returns {Part}
 */
export function part({ data, width }, left = 0, top = 0, right = width, bottom = data.length / width / CHANNELS, step = 1) {
  return {
    data,
    start: CHANNELS * (top * width + left),
    stride: CHANNELS * width * step,
    width: right - left,
    height: Math.ceil((bottom - top) / step),
  };
}

/**
 * OpenCV's INTER_AREA: each pixel is the mean of what it covers; where a side grows, it is nearly linear.
 *
 * @param {Part} from
 * @param {number} width
 * @param {number} height
 * @returns {Image}
 */
export function areaResized(from, width, height) {
  if (from.width < width || from.height < height) {
    return blended(from, grown(from.width, width), grown(from.height, height));
  }
  const wide = from.width / width, high = from.height / height;
  const isWhole = Number.isInteger(wide) && Number.isInteger(high);
  const across = covers(from.width, width, isWhole), down = covers(from.height, height, isWhole);
  const mean = isWhole ? meanOf(wide, high) : rounded;
  const data = new Uint8ClampedArray(CHANNELS * width * height), sums = new Float64Array(CHANNELS * width);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (const [row, portion] of down[y]) {
      for (let x = 0; x < width; x++) gather(from, from.start + row * from.stride, across[x], portion, sums, CHANNELS * x);
    }
    for (let x = 0, at = CHANNELS * width * y; x < sums.length; x += CHANNELS, at += CHANNELS) {
      put(data, at, mean(sums[x]), mean(sums[x + 1]), mean(sums[x + 2]));
    }
  }
  return { data, width, height };
}

/**
 * Adds to the sums of red, green and blue at a place what a pixel covers of one row.
 *
 * @param {Part} from
 * @param {number} start of the row
 * @param {[number, number][]} columns
 * @param {number} portion that is covered of the row
 * @param {Float64Array} sums
 * @param {number} at
 */
function gather({ data }, start, columns, portion, sums, at) {
  let red = 0, green = 0, blue = 0;
  for (let k = 0; k < columns.length; k++) {
    const i = start + CHANNELS * columns[k][0], weight = columns[k][1];
    red += weight * data[i];
    green += weight * data[i + 1];
    blue += weight * data[i + 2];
  }
  sums[at] += portion * red;
  sums[at + 1] += portion * green;
  sums[at + 2] += portion * blue;
}

/**
 * From the sum over `wide` times `high` whole pixels to their mean.
 *
 * @param {number} wide
 * @param {number} high
 * @returns {(sum: number) => number}
 */
export function meanOf(wide, high) {
  if (wide === 2 && high === 2) return (sum) => (sum + 2) >> 2;
  const each = Math.fround(1 / (wide * high));
  return (sum) => rounded(Math.fround(sum * each));
}

/**
 * OpenCV's INTER_LINEAR: so many times as wide and as high.
 *
 * @param {Part} from
 * @param {number} across
 * @param {number} down
 */
export const linearResized = (from, across, down) => blended(from, between(from.width, across), between(from.height, down));

/**
 * As OpenCV reckons it: what rounding makes of it decides now and then which pixel is taken.
 *
 * @param {number} length
 * @param {number} count
 */
const shrink = (length, count) => 1 / (count / length);

/**
 * Of each of `count` pixels that a row of `length` is shrunk to: which pixels it covers, and by how much of itself; 1
 * each where all cover whole pixels.
 *
 * @param {number} length
 * @param {number} count
 * @param {boolean} isWhole
 */
function covers(length, count, isWhole) {
  const scale = shrink(length, count);
  return Array.from({ length: count }, (_, i) => {
    const from = i * scale, to = from + scale, whole = isWhole ? 1 : Math.min(scale, length - from);
    const last = Math.min(Math.floor(to), length - 1), first = Math.min(Math.ceil(from), last);
    /** @type {[number, number][]} */
    const found = [];
    if (first - from > SLIVER) found.push([first - 1, (first - from) / whole]);
    for (let at = first; at < last; at++) found.push([at, 1 / whole]);
    if (to - last > SLIVER) found.push([last, Math.min(to - last, 1, whole) / whole]);
    return found;
  });
}

/**
 * Of each pixel of a row that becomes so many times as long: between which two of the old ones it lies (the first one's
 * place), and how near to the second.
 *
 * @param {number} length
 * @param {number} times
 * @returns {[number, number][]}
 */
const between = (length, times) =>
  Array.from({ length: rounded(length * times) }, (_, i) => {
    const at = (i + 0.5) / times - 0.5;
    return clipped(Math.floor(at), at - Math.floor(at), length);
  });

/**
 * The same of a row that grows to `count` pixels as INTER_AREA has it: both rows begin and end in the same places.
 *
 * @param {number} length
 * @param {number} count
 * @returns {[number, number][]}
 */
const grown = (length, count) =>
  Array.from({ length: count }, (_, i) => {
    const first = Math.floor(i * shrink(length, count)), rest = i + 1 - (first + 1) * (count / length);
    return clipped(first, rest <= 0 ? 0 : rest - Math.floor(rest), length);
  });

/**
 * @param {number} first
 * @param {number} share
 * @param {number} length
 * @returns {[number, number]}
 */
const clipped = (first, share, length) =>
  first < 0 ? [0, 0] : first >= length - 1 ? [length - 1, 0] : [first, rounded(Math.fround(share) * (1 << WEIGHT_BITS))];

/**
 * Each pixel out of four, in OpenCV's whole numbers.
 *
 * @param {Part} from
 * @param {[number, number][]} across of each column the first of two and the second's weight
 * @param {[number, number][]} down of each row
 * @returns {Image}
 */
function blended(from, across, down) {
  const width = across.length, height = down.length;
  const data = new Uint8ClampedArray(CHANNELS * width * height), full = 1 << WEIGHT_BITS;
  for (let y = 0, at = 0; y < height; y++) {
    const [row, low] = down[y], upper = from.start + row * from.stride;
    const lower = row + 1 < from.height ? upper + from.stride : upper;
    for (let x = 0; x < width; x++, at += CHANNELS) {
      const [column, right] = across[x], left = CHANNELS * column;
      const next = column + 1 < from.width ? left + CHANNELS : left;
      /** @param {number} channel */
      const value = (channel) => {
        const above = from.data[upper + left + channel] * (full - right) + from.data[upper + next + channel] * right;
        const below = from.data[lower + left + channel] * (full - right) + from.data[lower + next + channel] * right;
        return ((((full - low) * (above >> 4)) >> 16) + ((low * (below >> 4)) >> 16) + 2) >> 2;
      };
      put(data, at, value(0), value(1), value(2));
    }
  }
  return { data, width, height };
}

/**
 * @param {Uint8ClampedArray} data
 * @param {number} at
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
function put(data, at, red, green, blue) {
  data[at] = red;
  data[at + 1] = green;
  data[at + 2] = blue;
  data[at + 3] = 255;
}

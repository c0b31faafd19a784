// Faces by the boxes around their landmarks: how large they are, and whether two are one. A port of
// models/inference/boxes.py.

/** @typedef {Float64Array} Points landmarks in pixels: x and y of the first, of the second ... */

/**
 * The smallest box around all points.
 *
 * @param {Points} points
 * @returns {[number, number, number, number]} left, top, right, bottom
 */
export function bounds(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    top = Math.min(top, points[i + 1]);
    bottom = Math.max(bottom, points[i + 1]);
  }
  return [left, top, right, bottom];
}

/** Of the box, in square pixels. @param {Points} points */
export function area(points) {
  const [left, top, right, bottom] = bounds(points);
  return (right - left) * (bottom - top);
}

/**
 * Intersection over union of two boxes, 0..1.
 *
 * @param {Points} a
 * @param {Points} b
 */
export function overlap(a, b) {
  const [left, top, right, bottom] = bounds(a);
  const [otherLeft, otherTop, otherRight, otherBottom] = bounds(b);
  const across = Math.max(0, Math.min(right, otherRight) - Math.max(left, otherLeft));
  const down = Math.max(0, Math.min(bottom, otherBottom) - Math.max(top, otherTop));
  const shared = across * down;
  return shared && shared / (area(a) + area(b) - shared);
}

// What is said of a picture and where its faces are drawn: overlay/findings.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { EXPRESSIONS } from "../../overlay/contract.js";
import { first, milliseconds, summary, upright } from "../../overlay/findings.js";
import { numbers } from "./chance.mjs";

const face = (shares) => ({ probabilities: EXPRESSIONS.map((name) => shares[name] ?? 0) });

test("a rolled square is shown upright", () => {
  // Rolled by a quarter: its own top left comes to 0, 0 and its bottom right to 100, 100.
  const [a, b, c, d, e, f] = upright([[20, 30], [20, 40], [10, 40], [10, 30]], 100);
  const at = (x, y) => [a * x + c * y + e, b * x + d * y + f];
  assert.deepEqual([at(20, 30), at(10, 40), at(15, 35)], [[0, 0], [100, 100], [50, 50]]);
});

test("the corners of any square come to the corners of the canvas", () => {
  for (let round = 0; round < 300; round++) {
    const random = numbers(round);
    const [x, y, side, angle] = [900 * random(), 900 * random(), 5 + 300 * random(), 2 * Math.PI * random()];
    const [across, down] = [[Math.cos(angle) * side, Math.sin(angle) * side], [-Math.sin(angle) * side, Math.cos(angle) * side]];
    const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
    const outline = corners.map(([i, j]) => [x + i * across[0] + j * down[0], y + i * across[1] + j * down[1]]);
    const [a, b, c, d, e, f] = upright(outline, 120);
    outline.forEach(([px, py], index) => {
      assert.ok(Math.abs(a * px + c * py + e - 120 * corners[index][0]) < 1e-6);
      assert.ok(Math.abs(b * px + d * py + f - 120 * corners[index][1]) < 1e-6);
    });
  }
});

test("faces are summed up in a sentence", () => {
  const faces = [face({ happy: 0.6, neutral: 0.4 }), face({ happy: 0.2, neutral: 0.8 }), face({ neutral: 1 })];
  assert.equal(summary(faces), "3 faces: 2 neutral, 1 happy.");
  assert.equal(summary(faces.slice(0, 1)), "One face, happy (60 %).");
  assert.match(summary([]), /^No face was found\. It should be well lit/);
  assert.equal(EXPRESSIONS[first(face({ fear: 0.5, sad: 0.5 }).probabilities)], "fear");
});

test("faces that would make no vote are counted by themselves", () => {
  const unsure = { ...face({ sad: 0.3, fear: 0.28 }), unread: "unsure" };
  const masked = { ...face({ neutral: 0.9 }), unread: "covered" };
  assert.equal(summary([face({ happy: 0.9 }), unsure, masked, unsure]), "4 faces: 1 happy, 3 not sure.");
  assert.equal(summary([unsure, unsure]), "2 faces: 2 not sure.");
  assert.equal(summary([unsure]), "One face, not sure (perhaps sad).");
  assert.equal(summary([masked]), "One face, not sure (mouth covered).");
  assert.equal(summary([{ ...unsure, unread: "a reason of tomorrow" }]), "One face, not sure (perhaps sad).");
});

test("times have as many digits as they mean", () => {
  assert.deepEqual([0, 9.94, 9.96, 1234.4].map(milliseconds), ["0.0 ms", "9.9 ms", "10 ms", "1234 ms"]);
});

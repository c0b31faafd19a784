// What the panel shows of a mood: overlay/view.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { EXPRESSIONS } from "../../overlay/contract.js";
import { atRest, many, placed, turn, viewOf } from "../../overlay/view.js";

const ALL = { coverage: "on", trend: "on" };
const mood = (counts, fields = {}) => {
  const sharing = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const shares = EXPRESSIONS.map((name) => (counts[name] ?? 0) / sharing);
  return { visible: true, viewers: 310, sharing, shares, trend: 0, resonance: 0.5, min_viewers: 5, ...fields };
};

test("the leading expression, its share, and how many of the connected share", () => {
  const view = viewOf(mood({ happy: 26, sad: 6, neutral: 10 }), null, ALL);
  assert.deepEqual({ ...view, shares: null, share: 0 }, {
    state: "live", face: "happy", share: 0, words: "62 % happy", sharing: "42 of 310 share", trend: 0, resonance: 0.5, shares: null,
  });
  assert.equal(viewOf(mood({ happy: 1 }, { viewers: 1 }), null, ALL).sharing, "1 of 1 shares");
});

test("what is switched off is not told", () => {
  const view = viewOf(mood({ sad: 9 }, { trend: -0.5 }), null, { coverage: "off", trend: "off" });
  assert.equal(view.sharing, "");
  assert.equal(view.trend, 0);
});

test("while nothing may be shown there is no figure in the view, whatever the message says", () => {
  const view = viewOf(mood({ happy: 3, sad: 1 }, { visible: false }), viewOf(mood({ happy: 9 }), null, ALL), ALL);
  assert.deepEqual(view, atRest("waiting", "Shown once five people share"));
  assert.equal(view.shares, null);
  assert.ok(!/\d/.test(JSON.stringify({ ...view, share: "", trend: "", resonance: "" })));
});

test("two expressions as good as equal do not take turns, but for the one before a rest", () => {
  const sad = viewOf(mood({ sad: 51, happy: 49 }), null, ALL);
  assert.equal(sad.face, "sad");
  assert.equal(viewOf(mood({ sad: 49, happy: 50 }), sad, ALL).face, "sad");
  assert.equal(viewOf(mood({ sad: 49, happy: 50 }), atRest("resting", ""), ALL).face, "happy");
});

test("a trend is told from a strong one on, until it is weak", () => {
  assert.deepEqual([0.07, 0.09, -0.09].map((trend) => turn(trend, 0)), [0, 1, -1]);
  assert.deepEqual([0.04, 0.02, -0.04, -0.09].map((trend) => turn(trend, 1)), [1, 0, 0, -1]);
  assert.equal(turn(0, 0), 0);
});

test("large numbers are short", () => {
  assert.deepEqual([0, 42, 9999, 12345, 1203304].map(many), ["0", "42", "9999", "12.3K", "1.2M"]);
});

test("a layout has its usual side, unless one is given", () => {
  const at = (layout, position) => Object.values(placed({ layout, position })).join(" ");
  assert.equal(at("bar", "bottom"), "bottom center");
  assert.equal(at("wave", "top"), "top center");
  for (const layout of ["corner", "compact", "vertical"]) assert.equal(at(layout, "top"), "top right");
  for (const layout of ["bar", "corner", "wave"]) assert.equal(at(layout, "top-left"), "top left");
});

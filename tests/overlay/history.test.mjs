// What the live events add to a session's history: overlay/history.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EXPRESSIONS } from "../../overlay/contract.js";
import { missed, momentOf } from "../../overlay/history.js";

function moment(time, happy = 5, neutral = 5) {
  const counts = EXPRESSIONS.map((name) => ({ happy, neutral })[name] ?? 0);
  return { time, viewers: 12, sharing: happy + neutral, counts, valence: 0.5, resonance: 0.25 };
}

test("a live mood adds the moment that the relay stores, and nothing while too few share", () => {
  const mood = { type: "mood", seq: 9, time: 12.9, visible: true, min_viewers: 5, shares: [], trend: 0, ...moment(0) };
  assert.deepEqual(momentOf({ ...mood, time: 12.9 }), { ...moment(12) });
  assert.equal(momentOf({ ...mood, visible: false }), null);
});

test("a marker that was heard of before its history was read is not lost, and not there twice", () => {
  const early = { time: 10.5, text: "begins" };
  const late = { time: 12, text: "begins" };
  assert.deepEqual(missed([{ ...early }], [early, late]), [late]);
  assert.deepEqual(missed([], []), []);
});

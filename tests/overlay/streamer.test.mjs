// The streamer's face and who is in tune with it: overlay/streamer.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Faces, tuneWith } from "../../overlay/streamer.js";

const SHARES = [0, 0, 0.1, 0.6, 0.1, 0, 0.2];
const mood = (time, fields = {}) => ({ time, visible: true, shares: SHARES, ...fields });

test("who shows now what the streamer showed a delay ago is in tune", () => {
  const faces = new Faces();
  faces.add({ time: 100, emotion: "happy" });
  faces.add({ time: 105, emotion: "neutral" });
  assert.equal(tuneWith(faces, 0, mood(106)), 0.2);
  assert.equal(tuneWith(faces, 5, mood(106)), 0.6);
  assert.equal(tuneWith(faces, 0, mood(105)), 0.2);
});

test("nothing is said of a hidden audience, of no face, and of a time before the page knew", () => {
  const faces = new Faces();
  assert.equal(tuneWith(faces, 0, mood(100)), null);
  faces.add({ time: 100, emotion: "happy" });
  assert.equal(tuneWith(faces, 0, mood(101, { visible: false })), null);
  assert.equal(tuneWith(faces, 10, mood(101)), null);
  faces.add({ time: 102, emotion: null });
  assert.equal(tuneWith(faces, 0, mood(103)), null);
  assert.equal(tuneWith(faces, 2, mood(103)), 0.6);
});

test("what is kept reaches back as far as a delay can, and no further", () => {
  const faces = new Faces();
  for (let time = 0; time < 2000; time++) faces.add({ time, emotion: time % 2 ? "sad" : "happy" });
  assert.ok(faces.told.length < 140);
  assert.equal(faces.at(1999 - 120), "sad");
});

test("a clock that was set back starts anew", () => {
  const faces = new Faces();
  faces.add({ time: 5000, emotion: "happy" });
  faces.add({ time: 100, emotion: "sad" });
  assert.equal(faces.at(100), "sad");
  assert.equal(faces.at(99), null);
});

// What the dashboard says of delays and of sessions that are deleted: overlay/controls.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { delayWords, lossWords } from "../../overlay/controls.js";

const measured = (change) => ({ zero: 50, open_s: 0, answers: 0, median: null, min_viewers: 5, crowd: "networks", ...change });

test("before the first countdown it is said what one is for", () => {
  assert.match(delayWords(measured({ zero: null })), /A countdown on the stream measures by how much/);
});

test("while viewers may answer it is said for how long", () => {
  const words = "The median delay is shown once people of five networks answer. Viewers may still answer for 1:30.";
  assert.equal(delayWords(measured({ open_s: 90 })), words);
});

test("the median is told once enough have answered", () => {
  assert.equal(delayWords(measured({ answers: 1234, median: 8.25 })), `${(1234).toLocaleString()} viewers answered: the median delay is 8.3 s.`);
  assert.match(delayWords(measured({ answers: 1, median: 8 })), /^1 viewer answered/);
});

test("too few answers are told as such, without a number", () => {
  const words = "Too few answered the last countdown. The median delay is shown once 5 people answer.";
  assert.equal(delayWords(measured({ crowd: "viewers" })), words.replace("5", "five"));
});

test("who deletes a session reads what is lost", () => {
  const session = { number: 3, name: "Finals", started: 1, ended: null };
  const history = { session, moments: [{}], reactions: [], markers: [{}, {}] };
  assert.equal(lossWords(history, false),
    "Session 3, “Finals”, goes for good, for everyone: 1 second of mood, 0 reactions, 2 markers. Save it as CSV or JSON first if in doubt.");
  assert.match(lossWords({ ...history, session: { ...session, name: null } }, true), /^Session 3 goes .*a new one begins in its place\./);
});

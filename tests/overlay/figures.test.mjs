// What the pages show of a mood: overlay/figures.js and the words of overlay/bar.js.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import "./texts.mjs";
import { describe } from "../../overlay/bar.js";
import { EXPRESSIONS } from "../../overlay/contract.js";
import {
  clock, condition, hiddenWords, leader, marks, percent, resonanceWords, said, segments, trendWords, valenceWords,
} from "../../overlay/figures.js";
import { numbers } from "./chance.mjs";

const CONDITIONS = JSON.parse(readFileSync(new URL("../conditions.json", import.meta.url), "utf-8"));
const [HAPPY, SAD, NEUTRAL] = ["happy", "sad", "neutral"].map((name) => EXPRESSIONS.indexOf(name));
const share = (shares) => EXPRESSIONS.map((name) => shares[name] ?? 0);

test("it is said what it takes as by the relay and the OBS script", () => {
  for (const { text, ...message } of CONDITIONS) assert.equal(condition("common.shown_once", message), `Shown once ${text}`);
  const delay = (message) => condition("common.delay_once", message);
  assert.equal(delay({ min_viewers: 1 }), "The median delay is shown once somebody answers.");
  assert.equal(delay({ min_viewers: 2, crowd: "networks" }), "The median delay is shown once people of two networks answer.");
});

test("segments of any shares fill the bar from left to right, with gaps between those that are seen", () => {
  for (let round = 0; round < 300; round++) {
    const random = numbers(round);
    const counts = EXPRESSIONS.map(() => (random() < 0.4 ? 0 : Math.floor(100 * random())));
    const total = counts.reduce((sum, count) => sum + count, 0);
    const shares = counts.map((count) => (total ? count / total : 0));
    const width = 14 + 2000 * random();
    const parts = segments(shares, width, 2);
    assert.equal(parts.length, 7);
    const seen = parts.filter((_, index) => shares[index] > 0);
    parts.forEach((part, index) => assert.equal(part.width > 0, shares[index] > 0));
    seen.slice(1).forEach((part, index) =>
      assert.ok(Math.abs(part.left - (seen[index].left + seen[index].width + 2)) < 1e-9));
    if (seen.length) {
      assert.equal(seen[0].left, 0);
      const last = seen[seen.length - 1];
      assert.ok(Math.abs(last.left + last.width - width) < 1e-6);
    }
  }
});

test("segments have no width where the bar is narrower than its gaps", () => {
  assert.ok(segments(share({ happy: 0.5, sad: 0.5 }), 1, 2).every(({ width }) => width === 0));
});

test("every segment has a face of the size that fits or a dot, inside the bar, and none hides another", () => {
  for (let round = 0; round < 300; round++) {
    const random = numbers(round);
    const counts = EXPRESSIONS.map(() => (random() < 0.4 ? 0 : Math.floor(10 ** (3 * random()))));
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    const [width, height] = [500 + 1500 * random(), 20 + 40 * random()];
    const parts = segments(counts.map((count) => count / total), width, 2);
    const found = marks(parts, width, height).map((mark, index) => ({ ...mark, ...parts[index] }));
    for (const { size, dot, width: room } of found) {
      assert.equal(size > 0, room > 0);
      assert.equal(dot, room > 0 && room < height / 2);
      if (room >= height) assert.equal(size, 1);
      if (!dot) assert.ok(size * height <= room + 1e-9);
    }
    const seen = found.filter(({ size }) => size > 0);
    const reach = ({ size }) => (0.92 * size * height) / 2;
    for (const mark of seen) {
      assert.ok(mark.middle - reach(mark) >= 0 && mark.middle + reach(mark) <= width);
      if (mark.size === 1 && seen.every(({ dot }) => !dot)) assert.ok(Math.abs(mark.middle - mark.left - mark.width / 2) < 1e-6);
    }
    seen.slice(1).forEach((mark, index) =>
      assert.ok(mark.middle - reach(mark) >= seen[index].middle + reach(seen[index]) - 1e-6));
  }
});

test("the expression that leads is named, neutral only where there is no other", () => {
  assert.equal(leader(share({ neutral: 1 })), NEUTRAL);
  assert.equal(leader(share({})), NEUTRAL);
  assert.equal(leader(share({ happy: 0.1, neutral: 0.9 })), HAPPY);
  assert.equal(leader(share({ happy: 0.1, neutral: 0.9 }), NEUTRAL), HAPPY);
});

test("a newcomer is named once it is two percent ahead, so that two equals do not flicker", () => {
  assert.equal(leader(share({ happy: 0.3, sad: 0.31 }), HAPPY), HAPPY);
  assert.equal(leader(share({ happy: 0.3, sad: 0.35 }), HAPPY), SAD);
  assert.equal(leader(share({ happy: 0, sad: 0.01 }), HAPPY), SAD);
  assert.equal(leader(share({ happy: 0.31, sad: 0.3 }), SAD), SAD);
});

test("figures have words on both sides of each limit", () => {
  assert.deepEqual([-1, -0.5, -0.15, 0, 0.15, 0.5, 1].map(valenceWords), [
    "very negative", "rather negative", "balanced", "balanced", "rather positive", "very positive", "very positive",
  ]);
  assert.deepEqual([-2, -0.15, -0.04, 0.04, 0.15].map(trendWords), [
    "falling fast", "falling", "steady", "rising", "rising fast",
  ]);
  assert.deepEqual([0, 0.1, 0.3, 0.6, 1].map(resonanceWords), [
    "everyone for themselves", "some agree", "many agree", "nearly all as one", "nearly all as one",
  ]);
});

test("times and shares are written as people do", () => {
  assert.deepEqual([-3, 0, 59.4, 59.6, 61, 3599.6, 3725].map(clock), [
    "0:00", "0:00", "0:59", "1:00", "1:01", "1:00:00", "1:02:05",
  ]);
  assert.deepEqual([0, 0.004, 0.625, 1].map(percent), ["0 %", "0 %", "63 %", "100 %"]);
  assert.equal(said(new Error("why")), "why");
  assert.equal(said("why"), "why");
});

test("the bar is described by what it shows, most frequent first", () => {
  assert.equal(describe(share({ happy: 0.62, neutral: 0.38 })), "62 % happy, 38 % neutral");
  assert.equal(describe(share({ fear: 0.2, disgust: 0.8 })), "80 % disgusted, 20 % afraid");
  assert.equal(describe([]), "nothing yet");
  assert.equal(describe(share({})), "nothing yet");
});

test("a channel without cameras waits for nobody, and asks for taps", () => {
  const hidden = { visible: false, min_viewers: 5, crowd: "networks" };
  assert.equal(hiddenWords({ ...hidden, cameras: false }), "Tap to react");
  assert.equal(hiddenWords({ ...hidden, cameras: false, paused: true }), "Paused by the streamer");
  for (const cameras of [true, undefined]) assert.match(hiddenWords({ ...hidden, cameras }), /^Shown once/);
});

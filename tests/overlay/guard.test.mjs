// The flash guard: overlay/guard.js, whatever comes and however fast.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { EXPRESSIONS } from "../../overlay/contract.js";
import { FlashGuard, Limit } from "../../overlay/guard.js";
import { motionOf } from "../../overlay/motion.js";
import { joins } from "../../overlay/reactions.js";
import { numbers } from "./chance.mjs";

const mood = (shares, visible = true) =>
  ({ type: "mood", visible, shares: EXPRESSIONS.map((name) => shares[name] ?? 0) });
const [HAPPY, SAD, HIDDEN] = [mood({ happy: 1 }), mood({ sad: 1 }), mood({}, false)];

/** Gives a guard what comes at each time, in milliseconds, and releases what waits; returns what was shown, and when. */
function play(events, until) {
  const guard = new FlashGuard();
  const shown = [];
  for (let now = 0; now <= until; now += 5) {
    const due = guard.release(now);
    due.forEach((message) => shown.push({ now, message }));
    for (const [, message] of events.filter(([time]) => time === now)) {
      guard.take(message, now).forEach((found) => shown.push({ now, message: found }));
    }
  }
  return shown;
}

const every = (milliseconds, until, make) =>
  Array.from({ length: Math.floor(until / milliseconds) }, (_, index) => [index * milliseconds, make(index)]);

/** How often what is shown changes in the worst second. */
const worst = (shown, alike) => {
  const changes = shown.filter(({ message }, index) => index > 0 && !alike(message, shown[index - 1].message));
  return Math.max(0, ...changes.map(({ now }) => changes.filter((other) => other.now >= now && other.now < now + 1000).length));
};

test("an audience that turns over eight times a second is shown turning over twice, and as it is in the end", () => {
  const shown = play(every(125, 6000, (index) => (index % 2 ? HAPPY : SAD)), 8000);
  assert.ok(worst(shown, (a, b) => a === b) <= 2);
  assert.equal(shown[shown.length - 1].message, HAPPY);
  assert.ok(shown.length >= 6);
});

test("what differs little is shown at once, however often it comes", () => {
  const shown = play(every(125, 3000, (index) => mood({ happy: 0.6 + 0.01 * (index % 4), sad: 0.4 - 0.01 * (index % 4) })), 3000);
  assert.equal(shown.length, 24);
});

test("hiding never waits, and what was hidden stays so for a second", () => {
  const shown = play(every(60, 6000, (index) => (index % 2 ? HIDDEN : HAPPY)), 9000);
  const changes = shown.filter(({ message }, index) => index > 0 && message.visible !== shown[index - 1].message.visible);
  for (const [index, { now, message }] of changes.entries()) {
    if (message.visible) assert.ok(now - changes[index - 1].now >= 1000);
    else assert.equal(now % 60, 0);
  }
  assert.ok(worst(shown, (a, b) => a.visible === b.visible) <= 2);
  assert.equal(shown[shown.length - 1].message, HIDDEN);
});

test("of anything, in any order, no part of the page changes much more than three times a second", () => {
  for (let round = 0; round < 60; round++) {
    const random = numbers(round);
    const one = (list) => list[Math.floor(list.length * random())];
    const kinds = [
      () => one([HAPPY, SAD, HIDDEN, mood({ angry: random(), neutral: random() })]),
      () => ({ type: "bye", message: "over" }),
      () => ({ type: "face", emotion: one([null, "happy", "sad"]) }),
      () => ({ type: "moment", kind: "expression", name: one(EXPRESSIONS), share: random() }),
      () => ({ type: "countdown", time: 1, zero: 1 + 9 * random() }),
    ];
    const events = every(5 * (1 + Math.floor(20 * random())), 5000, () => one(kinds)());
    const shown = play(events, 12_000);
    const of = (...types) => shown.filter(({ message }) => types.includes(message.type));
    const look = ({ type, visible, emotion }) => `${type} ${visible} ${emotion}`;
    assert.ok(worst(of("mood", "bye"), (a, b) => look(a) === look(b)) <= 3);
    assert.ok(worst(of("face"), (a, b) => look(a) === look(b)) <= 2);
    assert.ok(worst(of("moment"), () => false) <= 1);
    assert.ok(worst(of("countdown"), () => false) <= 2);
    // What came last is shown in the end, in its own part of the page.
    const last = events.filter(([, { type }]) => type === "mood" || type === "bye").pop();
    if (last) assert.equal(of("mood", "bye").pop().message, last[1]);
  }
});

test("a countdown that waited begins where it is by then, and one that can't be followed keeps no other waiting", () => {
  const countdown = (zero) => ({ type: "countdown", time: 0, zero });
  const nonsense = every(5, 100, () => countdown(0.5));
  const shown = play([...nonsense, [100, countdown(5)], [105, countdown(5)], [110, countdown(9)]], 4000);
  assert.deepEqual(shown.map(({ now }) => now), [100, 105, 2100]);
  assert.ok(Math.abs(shown[2].message.time - 1.99) < 1e-9);
});

test("a moment that waits is not shown once the audience is hidden", () => {
  const moment = { type: "moment", kind: "expression", name: "happy", share: 1 };
  const shown = play([[0, HAPPY], [5, moment], [10, moment], [15, moment], [20, HIDDEN]], 6000);
  assert.equal(shown.filter(({ message }) => message.type === "moment").length, 1);
});

test("a limit lets so many through in any such time", () => {
  for (let round = 0; round < 50; round++) {
    const random = numbers(round);
    const [most, within] = [1 + Math.floor(5 * random()), 100 + 1000 * random()];
    const limit = new Limit(most, within);
    const let_ = [];
    for (let now = 0; now < 10_000; now += 30 * random()) {
      if (limit.wait(now) > 0) continue;
      limit.count(now);
      let_.push(now);
    }
    let_.slice(most).forEach((now, index) => assert.ok(now - let_[index] >= within - 1e-6));
    assert.ok(let_.length >= most * Math.floor(9000 / within) * 0.7);
  }
});

test("a reaction counts those of its kind that come soon after, while it can be read", () => {
  assert.ok(joins({ started: 0, joined: 0 }, 1400));
  assert.ok(!joins({ started: 0, joined: 0 }, 1600));
  assert.ok(joins({ started: 0, joined: 2000 }, 2500));
  assert.ok(!joins({ started: 0, joined: 2500 }, 2700));
});

test("a system that asks for less motion is followed where a person opened the page, which OBS is not", () => {
  assert.equal(motionOf("full", { inObs: false, reduced: true }), "low");
  assert.equal(motionOf("full", { inObs: true, reduced: true }), "full");
  assert.equal(motionOf("full", { inObs: false, reduced: false }), "full");
  assert.equal(motionOf("low", { inObs: true, reduced: false }), "low");
});

// A session's history made ready for drawing: overlay/history.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EXPRESSIONS } from "../../overlay/contract.js";
import { axis, meanShares, missed, momentOf, moved, nearest, runs, thinned, timeStep } from "../../overlay/history.js";
import { numbers } from "./chance.mjs";

const HAPPY = EXPRESSIONS.indexOf("happy");

function moment(time, happy = 5, neutral = 5) {
  const counts = EXPRESSIONS.map((name) => ({ happy, neutral })[name] ?? 0);
  return { time, viewers: 12, sharing: happy + neutral, counts, valence: 0.5, resonance: 0.25 };
}

function history({ started = 100, moments = [], markers = [] }) {
  return { session: { number: 1, name: null, started, ended: null }, moments, reactions: [], markers };
}

test("moments are averaged into few points, without a jump over a pause", () => {
  const moments = [];
  for (let t = 0; t < 20_000; t++) if (t < 7000 || t > 7100) moments.push(moment(1e9 + t, t % 2 ? 10 : 0, t % 2 ? 0 : 10));
  const found = runs(moments, 500);
  assert.equal(found.length, 2);
  assert.ok(found.flat().length > 450 && found.flat().length <= 502);
  assert.equal(found[0][5].shares[HAPPY], 0.5);
  assert.ok(found[0][found[0].length - 1].time < 1e9 + 7000 && found[1][0].time > 1e9 + 7100);
});

test("points of any history lie in order, within its time, and with shares that sum to one", () => {
  for (let round = 0; round < 200; round++) {
    const random = numbers(round);
    let time = 1e9 + Math.floor(1000 * random());
    const moments = Array.from({ length: 1 + Math.floor(300 * random()) }, () => {
      time += random() < 0.05 ? 6 + Math.floor(60 * random()) : 1;
      return moment(time, Math.floor(20 * random()), 1 + Math.floor(20 * random()));
    });
    const most = 1 + Math.floor(200 * random());
    const found = runs(moments, most);
    const points = found.flat();
    const pauses = moments.filter(({ time: at }, index) => index && at - moments[index - 1].time > 5).length;
    assert.equal(found.length, pauses + 1);
    assert.ok(points.length <= most + 1 + pauses, `${points.length} points, ${most} wanted, ${pauses} pauses`);
    for (const [index, point] of points.entries()) {
      assert.ok(!index || point.time > points[index - 1].time);
      assert.ok(point.time >= moments[0].time && point.time <= time);
      assert.ok(Math.abs(point.shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
    }
  }
});

test("a history of nothing has no points, and one of nobody no shares", () => {
  assert.deepEqual(runs([], 500), []);
  assert.deepEqual(runs([moment(1, 0, 0)], 500)[0][0].shares, [0, 0, 0, 0, 0, 0, 0]);
});

test("what lies nearest in time is found", () => {
  const points = runs([1, 2, 3, 4].map((time) => moment(time)), 500).flat();
  assert.equal(nearest(points, 2.6).time, 3);
  assert.equal(nearest(points, -50).time, 1);
  assert.equal(nearest([], 3), null);
});

test("a live mood adds the moment that the relay stores, and nothing while too few share", () => {
  const mood = { type: "mood", seq: 9, time: 12.9, visible: true, min_viewers: 5, shares: [], trend: 0, ...moment(0) };
  assert.deepEqual(momentOf({ ...mood, time: 12.9 }), { ...moment(12) });
  assert.equal(momentOf({ ...mood, visible: false }), null);
});

test("the time axis has round steps, and not more than there is room for", () => {
  for (let span = 10; span < 80_000; span = Math.ceil(span * 1.3)) {
    for (const most of [2, 5, 12]) assert.ok(span / timeStep(span, most) <= Math.max(most, 1), `${span} s, ${most}`);
  }
  assert.equal(timeStep(60, 6), 10);
  assert.equal(timeStep(1e9, 2), 86400);
});

test("the time axis begins with the session, holds all that is drawn, and is never too short to draw", () => {
  assert.deepEqual(axis(history({})), { start: 100, span: 10 });
  assert.deepEqual(axis(history({ moments: [moment(130), moment(160)] })), { start: 100, span: 60 });
  assert.deepEqual(axis(history({ moments: [moment(90), moment(95)] })), { start: 90, span: 10 });
  assert.deepEqual(axis(history({ moments: [moment(130)], markers: [{ type: "marker", time: 170, text: "x" }] })).span, 70);
});

test("of marks that would hide each other the strongest is kept", () => {
  const marks = [[10, 0.2], [15, 0.9], [26, 0.3], [27, 0.1], [60, 0.4]].map(([x, strength]) => ({ x, strength }));
  assert.deepEqual(thinned(marks, 12).map(({ x }) => x), [15, 60]);
  assert.deepEqual(thinned(marks, 10).map(({ x }) => x), [15, 60, 26]);
  assert.deepEqual(marks.map(({ x }) => x), [10, 15, 26, 27, 60], "what was handed over stays as it is");
});

test("keys move through the points and stop at their ends", () => {
  assert.equal(moved("ArrowRight", 3, 100), 4);
  assert.equal(moved("ArrowLeft", 0, 100), 0);
  assert.equal(moved("PageUp", 30, 100), 10);
  assert.equal(moved("PageDown", 90, 100), 99);
  assert.equal(moved("Home", 50, 100), 0);
  assert.equal(moved("End", 50, 100), 99);
  assert.equal(moved("Enter", 50, 100), null);
  assert.equal(moved("toString", 50, 100), null);
  assert.equal(moved("ArrowRight", 0, 0), null);
});

test("shares are averaged over the points", () => {
  const points = runs([moment(1, 10, 0), moment(2, 0, 10)], 500).flat();
  assert.equal(meanShares(points)[HAPPY], 0.5);
});

test("a marker that was heard of before its history was read is not lost, and not there twice", () => {
  const early = { time: 10.5, text: "begins" };
  const late = { time: 12, text: "begins" };
  assert.deepEqual(missed([{ ...early }], [early, late]), [late]);
  assert.deepEqual(missed([], []), []);
});

// What the dashboard makes of a stored session, without a page: overlay/session/.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EXPRESSIONS } from "../../overlay/contract.js";
import {
  CHANNELS, RESONANCE, UNITS, VALENCE, bucketed, indexOf, means, nearest, stepFor, valuesOf,
} from "../../overlay/session/buckets.js";
import { chapters, counted, filtered, labelOf, table } from "../../overlay/session/chapters.js";
import { difference, moved, paired } from "../../overlay/session/compare.js";
import { heightOf, levels, panels, roundUp, timeAt, topOf, xOf, yOf } from "../../overlay/session/panels.js";
import { inked } from "../../overlay/session/scene.js";
import { ticks, timeCode, told } from "../../overlay/session/times.js";
import {
  holding, isWhole, keyed, panned, pinched, steps, thinned, whole, within, zoomed,
} from "../../overlay/session/zoom.js";
import { numbers } from "./chance.mjs";
import "./texts.mjs";

const HAPPY = EXPRESSIONS.indexOf("happy");
const CASES = 150;
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6 * Math.max(1, Math.abs(a), Math.abs(b)), `${a} and ${b}`);

function moment(time, happy = 5, neutral = 5) {
  const counts = EXPRESSIONS.map((name) => ({ happy, neutral })[name] ?? 0);
  return { time, viewers: 12, sharing: happy + neutral, counts, valence: 0.5, resonance: 0.25 };
}

/** A session with pauses, of an audience that changes. */
function chancy(random, most = 400) {
  let time = 1e9 + Math.floor(1000 * random());
  return Array.from({ length: 1 + Math.floor(most * random()) }, () => {
    time += random() < 0.05 ? 6 + Math.floor(60 * random()) : 1;
    return moment(time, Math.floor(20 * random()), Math.floor(20 * random()));
  });
}

const history = ({ started = 100, moments = [], markers = [], number = 1 }) =>
  ({ session: { number, name: null, started, ended: null }, moments, reactions: [], markers });
const peak = (time, name = "happy", kind = "expression") => ({ time, kind, name, share: 0.625, strength: 0.5, score: 2 });

test("a bucket keeps the least, the mean and the most of each second in it, of whatever session", () => {
  for (let round = 0; round < CASES; round++) {
    const random = numbers(round);
    const moments = chancy(random);
    const [first, last] = [moments[0].time, moments[moments.length - 1].time];
    const step = 1 + Math.floor(90 * random());
    const measure = random() < 0.5 ? "share" : "viewers";
    const runs = bucketed(moments, { from: first, to: last }, step, first - 7, measure);
    const buckets = runs.flat();
    assert.equal(buckets.reduce((sum, { seconds }) => sum + seconds, 0), moments.length, "no second is lost or twice");
    const pauses = moments.filter(({ time }, index) => index && time - moments[index - 1].time > 5).length;
    assert.equal(runs.length, pauses + 1, "no bucket leads over a pause");
    let index = 0;
    for (const { from, to, seconds, low, mean, high } of buckets) {
      const inside = moments.slice(index, index += seconds);
      assert.ok(inside.every(({ time }) => time >= from && time < to));
      for (let channel = 0; channel < CHANNELS; channel++) {
        const values = inside.map((one) => valuesOf(one, measure)[channel]);
        near(low[channel], Math.min(...values));
        near(high[channel], Math.max(...values));
        assert.ok(mean[channel] >= low[channel] - 1e-9 && mean[channel] <= high[channel] + 1e-9);
      }
    }
  }
});

test("a part of a session has the same buckets as all of it, and one more on each side", () => {
  const moments = Array.from({ length: 1000 }, (_, index) => moment(5000 + index, index % 19));
  const all = bucketed(moments, { from: 5000, to: 6000 }, 10, 5000, "share")[0];
  const part = bucketed(moments, { from: 5305, to: 5409 }, 10, 5000, "share")[0];
  assert.deepEqual(part, all.slice(29, 42));
});

test("a moment of one second is seen in a session of eight hours", () => {
  const moments = Array.from({ length: 28_800 }, (_, index) => moment(index, index === 17_003 ? 10 : 0, index === 17_003 ? 0 : 10));
  const step = stepFor(0, 28_800, 1100);
  const top = bucketed(moments, { from: 0, to: 28_800 }, step, 0, "share").flat().filter(({ high }) => high[HAPPY] === 1);
  assert.equal(top.length, 1);
  assert.ok(top[0].from <= 17_003 && top[0].to > 17_003 && top[0].mean[HAPPY] < 0.1);
});

test("a bucket is as long as it was chosen, or as short as it can be told apart", () => {
  for (const unit of UNITS.filter((one) => one > 1)) assert.equal(stepFor(unit, 28_800, 1100), unit);
  for (let span = 10; span < 200_000; span = Math.ceil(span * 1.4)) {
    assert.ok((1000 * stepFor(0, span, 1000)) / span >= 2);
    assert.ok((1000 * stepFor(1, span, 1000)) / span >= 0.5);
  }
  assert.equal(stepFor(0, 400, 1000), 1);
  assert.equal(stepFor(1, 2000, 1000), 1);
});

test("the second under the cursor is the nearest that is stored, and no mean", () => {
  const moments = [1, 2, 3, 9].map((time) => moment(time, time));
  assert.equal(nearest(moments, 2.4), moments[1]);
  assert.equal(nearest(moments, 6.5), moments[3]);
  assert.equal(nearest(moments, -50), moments[0]);
  assert.equal(nearest([], 3), null);
  for (let round = 0; round < CASES; round++) {
    const random = numbers(round);
    const many = chancy(random);
    const time = many[0].time - 20 + 500 * random();
    const found = nearest(many, time);
    assert.ok(many.every((one) => Math.abs(one.time - time) >= Math.abs(found.time - time)));
    assert.equal(indexOf(many, time), many.filter((one) => one.time < time).length);
  }
});

test("shares are means over all who shared; who shares nothing has no share", () => {
  const [values] = [means(bucketed([moment(1, 10, 0), moment(2, 0, 30)], { from: 1, to: 2 }, 10, 0, "share"))];
  assert.equal(values[HAPPY], 0.25);
  assert.equal(values[VALENCE], 0.5);
  assert.equal(values[RESONANCE], 0.25);
  assert.deepEqual(valuesOf(moment(1, 0, 0), "share").slice(0, VALENCE), [0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(bucketed([], { from: 0, to: 9 }, 1, 0, "share"), []);
});

test("the whole begins with the session, holds all that is drawn, and is never too short to draw", () => {
  assert.deepEqual(whole(history({})), { from: 100, to: 110 });
  assert.deepEqual(whole(history({ moments: [moment(130), moment(160)] })), { from: 100, to: 160 });
  assert.deepEqual(whole(history({ moments: [moment(90), moment(95)] })), { from: 90, to: 100 });
  assert.equal(whole(history({ moments: [moment(130)], markers: [{ time: 170.5, text: "x" }] })).to, 170.5);
});

test("whatever is zoomed and moved, what is shown lies in the session and has its ends in order", () => {
  const all = { from: 1000, to: 5000 };
  for (let round = 0; round < CASES; round++) {
    const random = numbers(round);
    let range = all;
    for (let i = 0; i < 30; i++) {
      const at = range.from + random() * (range.to - range.from);
      range = [
        () => zoomed(range, all, 0.1 + 2 * random(), at),
        () => panned(range, all, 4000 * (random() - 0.5)),
        () => pinched(range, all, [random(), random()], [random(), random()]),
        () => holding(range, all, all.from + 4000 * random()),
        () => keyed({ key: "+-0_="[Math.floor(5 * random())], shiftKey: false }, range, all, at),
      ][Math.floor(5 * random())]();
      assert.ok(range.from >= all.from && range.to <= all.to + 1e-6, JSON.stringify(range));
      assert.ok(range.to - range.from >= 9.99, JSON.stringify(range));
    }
  }
});

test("what is zoomed at stays under the pointer", () => {
  const all = { from: 0, to: 10_000 };
  const range = { from: 2000, to: 4000 };
  const part = ({ from, to }, time) => (time - from) / (to - from);
  for (const at of [2100, 3000, 3900]) near(part(zoomed(range, all, 0.3, at), at), part(range, at));
  const pinch = pinched(range, all, [0.2, 0.6], [0.1, 0.9]);
  near(part(pinch, 2000 + 0.2 * 2000), 0.1);
  near(part(pinch, 2000 + 0.6 * 2000), 0.9);
  assert.deepEqual(zoomed({ from: 2000, to: 2010 }, all, 0.1, 2003), { from: 2000, to: 2010 }, "the nearest does not move");
});

test("what is chosen comes into view, and nothing moves that is in view", () => {
  const all = { from: 0, to: 1000 };
  assert.deepEqual(holding({ from: 200, to: 300 }, all, 250), { from: 200, to: 300 });
  for (const time of [0, 100, 295, 500, 1000]) {
    const { from, to } = holding({ from: 200, to: 300 }, all, time);
    assert.ok(time >= from && time <= to);
    near(to - from, 100);
  }
  assert.ok(isWhole(within({ from: -50, to: 5000 }, all), all));
});

test("keys move the cursor and the part that is shown", () => {
  const all = { from: 0, to: 1000 };
  const press = (key, shiftKey = false) => keyed({ key, shiftKey }, { from: 400, to: 600 }, all, 500);
  assert.deepEqual(press("+"), { from: 450, to: 550 });
  assert.deepEqual(press("-"), { from: 300, to: 700 });
  assert.deepEqual(press("0"), all);
  assert.deepEqual(press("ArrowLeft", true), { from: 350, to: 550 });
  assert.equal(press("ArrowLeft"), null);
  assert.equal(press("toString"), null);
  assert.equal(steps({ key: "ArrowLeft", shiftKey: false }), -1);
  assert.equal(steps({ key: "ArrowLeft", shiftKey: true }), null);
  assert.equal(steps({ key: "Enter", shiftKey: false }), null);
});

test("of marks that would hide each other the strongest is kept", () => {
  const marks = [[10, 0.2], [15, 0.9], [26, 0.3], [27, 0.1], [60, 0.4]].map(([x, score]) => ({ x, score }));
  assert.deepEqual(thinned(marks, 12).map(({ x }) => x), [15, 60]);
  assert.deepEqual(thinned(marks, 10).map(({ x }) => x), [15, 60, 26]);
  for (let round = 0; round < CASES; round++) {
    const random = numbers(round);
    const many = Array.from({ length: 60 }, () => ({ x: 500 * random(), score: random() }));
    const kept = thinned(many, 22);
    for (const one of many) {
      assert.ok(kept.includes(one) || kept.some((other) => Math.abs(other.x - one.x) <= 22 && other.score >= one.score));
    }
    assert.ok(kept.every((one) => kept.every((other) => one === other || Math.abs(one.x - other.x) > 22)));
  }
});

test("a place on the chart and its time and value are one", () => {
  const [main, strip] = panels(1000, heightOf(1), [{ low: 0, high: 0.5 }, { low: -1, high: 1 }]);
  const range = { from: 100, to: 300 };
  for (const time of [100, 177.5, 300]) near(timeAt(main, range, xOf(main, range, time)), time);
  assert.equal(yOf(main, 0.5), main.top);
  assert.equal(yOf(strip, 0), strip.top + strip.height / 2);
  assert.ok(strip.top > main.top + main.height);
  assert.ok(strip.top + strip.height < heightOf(1));
});

test("the scale reaches over what is drawn, and ends with a round number", () => {
  const runs = bucketed([moment(1, 9, 91), moment(2, 31, 69)], { from: 1, to: 2 }, 1, 0, "share");
  assert.equal(topOf(runs, [HAPPY], "share", "lines"), 0.5);
  assert.equal(topOf(runs, [HAPPY], "share", "stack"), 1);
  assert.equal(topOf(runs, [], "share", "lines"), 0.05);
  assert.equal(topOf(bucketed([moment(1, 130, 10)], { from: 1, to: 1 }, 1, 0, "viewers"), [HAPPY], "viewers", "lines"), 200);
  for (let value = 0.001; value < 1e5; value *= 1.37) {
    const top = roundUp(value);
    assert.ok(top >= value * (1 - 1e-9) && top <= 2.5 * value, `${value}: ${top}`);
  }
  assert.deepEqual(levels(1, "share"), [0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(levels(0.5, "share"), [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(levels(10, "viewers"), [0, 2, 4, 6, 8, 10]);
});

test("the axis has round times in each unit, and not more than there is room for", () => {
  const start = 1_764_230_417;
  for (const kind of ["stream", "seconds", "clock"]) {
    for (let span = 10; span < 100_000; span = Math.ceil(span * 1.6)) {
      const range = { from: start + 13, to: start + 13 + span };
      const found = ticks(range, kind, start, 9);
      assert.ok(found.length <= 10, `${kind} ${span}: ${found.length}`);
      assert.ok(found.length >= 2, `${kind} ${span}: ${found.length}`);
      assert.ok(found.every(({ time }) => time >= range.from && time <= range.to));
    }
  }
  assert.deepEqual(ticks({ from: start, to: start + 60 }, "stream", start, 6).map(({ label }) => label),
    ["0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00"]);
  const hours = ticks({ from: start, to: start + 28_800 }, "clock", start, 9);
  assert.ok(hours.every(({ time }) => new Date(1000 * time).getMinutes() === 0));
  assert.equal(told(start + 3725.9, "stream", start), "1:02:05");
  assert.equal(told(start + 75, "seconds", start), "75 s");
});

test("chapters are lines that a video site takes", () => {
  assert.equal(timeCode(754.9), "00:12:34");
  assert.equal(timeCode(360_000), "100:00:00");
  const lines = chapters([peak(1754.9), peak(1030, "clap", "tap"), peak(1009), peak(1035, "sad")], 1000);
  assert.deepEqual(lines, ["00:00:00 Start", "00:00:30 Applause", "00:12:34 Laughter"]);
  for (let round = 0; round < CASES; round++) {
    const random = numbers(round);
    const found = chapters(Array.from({ length: 40 }, () => peak(1000 + Math.floor(20_000 * random()))), 1000);
    const seconds = found.map((line) => line.slice(0, 8).split(":").reduce((sum, part) => 60 * sum + Number(part), 0));
    assert.equal(found[0], "00:00:00 Start");
    assert.ok(seconds.every((one, index) => !index || one - seconds[index - 1] >= 10));
    assert.ok(found.every((line) => /^\d\d:\d\d:\d\d \S/.test(line)));
  }
});

test("moments are listed by what they are", () => {
  const peaks = [peak(1), peak(2, "sad"), peak(3), peak(4, "clap", "tap")];
  assert.deepEqual(filtered(peaks, new Set()), peaks);
  assert.deepEqual(filtered(peaks, new Set(["sad", "clap"])), [peaks[1], peaks[3]]);
  assert.deepEqual(counted(peaks, ["happy", "sad", "fear", "clap"]).map(({ name, count }) => `${labelOf(name)} ${count}`),
    ["Laughter 2", "Sadness 1", "Applause 1"]);
  assert.equal(table([peak(1_764_230_400 + 754)], 1_764_230_400),
    "time,kind,name,share,rise,utc\r\n00:12:34.000,expression,happy,0.625,0.500,2025-11-27T08:12:34.000Z\r\n");
});

test("two sessions lie beside each other from their start on", () => {
  const one = history({ started: 1000, moments: Array.from({ length: 300 }, (_, index) => moment(1000 + index, 6, 4)) });
  const other = history({ number: 2, started: 500, moments: Array.from({ length: 200 }, (_, index) => moment(500 + index, 2, 8)) });
  const found = difference(one, moved(other, 1000), HAPPY, "share");
  near(found.one, 0.6);
  near(found.other, 0.2);
  assert.equal(found.seconds, 200);
  assert.deepEqual(other.moments[0].time, 500, "what was handed over stays as it is");
  const late = history({ started: 500, moments: [moment(900)] });
  assert.equal(difference(one, moved(late, 1000), HAPPY, "share"), null);
  const cut = (list) => bucketed(list, { from: 1000, to: 1300 }, 50, 1000, "share");
  const pairs = paired(cut(one.moments), cut(moved(other, 1000).moments), HAPPY, 1000);
  assert.deepEqual(pairs.map(({ offset }) => offset), [0, 50, 100, 150, 200, 250]);
  assert.deepEqual(pairs[4], { offset: 200, one: 0.6, other: null });
});

test("any two sessions differ by as much as the other way round", () => {
  for (let round = 0; round < CASES / 3; round++) {
    const random = numbers(round);
    const [one, other] = [chancy(random), chancy(random)].map((moments) => history({ started: moments[0].time - 3, moments }));
    const [there, back] = [
      difference(one, moved(other, one.session.started), HAPPY, "share"),
      difference(other, moved(one, other.session.started), HAPPY, "share"),
    ];
    assert.equal(there === null, back === null);
    if (!there) continue;
    near(there.one - there.other, back.other - back.one);
    near(there.seconds, back.seconds);
  }
});

test("pale colours of lines are darker on a light ground", () => {
  assert.equal(inked("#b0302b", true), "#b0302b");
  assert.equal(inked("#ffc93c", false), "#ffc93c");
  assert.equal(inked("#ffc800", true), "#b89000");
  assert.equal(inked("rgb(1, 2, 3)", true), "rgb(1, 2, 3)");
});

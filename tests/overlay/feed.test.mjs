// The dashboard's list of reactions: overlay/feed.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EXPRESSIONS, TAPS } from "../../overlay/contract.js";
import { EMPTY, add, shown, tapsOf } from "../../overlay/feed.js";
import { numbers } from "./chance.mjs";

const ROOM = 8;
const tap = (name, count = 1, time = 1e9) => ({ type: "reaction", kind: "tap", name, count, time, strength: 0.1 });
const burst = (name, count = 9, time = 1e9) => ({ type: "reaction", kind: "expression", name, count, time, strength: 0.5 });
/** The list after these, each `[seconds, reaction]`. */
const after = (...reactions) => reactions.reduce((feed, [now, reaction]) => add(feed, reaction, now), EMPTY);
const told = (feed, now) => shown(feed, now, ROOM).map(({ line, pinned }) =>
  `${pinned ? "*" : ""}${line.kind === "tap" ? tapsOf(line.counts).map((name) => `${name} ${line.counts[name]}`).join(", ") : line.name}`);

test("taps of some seconds are one line, whose numbers grow", () => {
  const feed = after([0, tap("heart", 2)], [0.5, tap("clap")], [4, tap("heart", 5)]);
  assert.deepEqual(told(feed, 4), ["heart 7, clap 1"]);
  assert.deepEqual(told(add(feed, tap("wow"), 10), 10), ["wow 1", "heart 7, clap 1"]);
});

test("a burst stays on top of the taps that follow it, for a while", () => {
  const feed = after([0, tap("heart")], [1, burst("happy")], [20, tap("clap")], [40, tap("clap")], [60, burst("sad")]);
  assert.deepEqual(told(feed, 60), ["*sad", "*happy", "clap 1", "clap 1", "heart 1"]);
  assert.deepEqual(told(feed, 100), ["*sad", "clap 1", "clap 1", "happy", "heart 1"]);
});

test("of many bursts the newest are on top, and the taps keep their room", () => {
  const bursts = EXPRESSIONS.map((name, index) => [5 * index, burst(name)]);
  const feed = after(...bursts, [36, tap("heart")]);
  assert.equal(shown(feed, 36, ROOM).filter(({ pinned }) => pinned).length, 4);
  assert.ok(told(feed, 36).includes("heart 1"));
});

test("an hour of applause is many lines, and no line of an hour", () => {
  const taps = Array.from({ length: 3600 }, (_, second) => [second, tap("clap")]);
  const lines = shown(after(...taps), 3600, ROOM);
  assert.ok(lines.every(({ line }) => line.counts.clap <= 31));
});

test("whatever comes: no tap is counted twice or lost while its line is there, no burst falls out before taps do", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = numbers(seed);
    let [feed, now] = [EMPTY, 1000 * random()];
    const [made, bursts] = [{}, []];
    const flood = random();
    for (let i = 0; i < 150; i++) {
      now += flood * 6 * random();
      if (random() < 0.1) {
        bursts.push(now);
        feed = add(feed, burst(EXPRESSIONS[Math.floor(7 * random())]), now);
      } else {
        const name = TAPS[Math.floor(5 * random())];
        const count = 1 + Math.floor(9 * random());
        made[name] = (made[name] ?? 0) + count;
        feed = add(feed, tap(name, count), now);
      }
      const rows = shown(feed, now, ROOM);
      assert.ok(rows.length <= ROOM);
      assert.equal(new Set(rows.map(({ line }) => line.id)).size, rows.length);
      const young = bursts.filter((then) => now - then < 90).length;
      assert.equal(rows.filter(({ pinned }) => pinned).length, Math.min(4, young));
      assert.ok(rows.every(({ pinned }, index) => !pinned || !index || rows[index - 1].pinned), "on top");
    }
    assert.ok(feed.lines.length <= 60);
    const counted = Object.fromEntries(TAPS.map((name) => [name, feed.lines.reduce((sum, line) => sum + (line.counts?.[name] ?? 0), 0)]));
    for (const name of TAPS) assert.ok(counted[name] <= (made[name] ?? 0));
    if (feed.next <= 60) for (const name of TAPS) assert.equal(counted[name], made[name] ?? 0);
  }
});

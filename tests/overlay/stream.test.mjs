// The stream of the last two minutes, and the ring: overlay/stream.js and overlay/ring.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { EXPRESSIONS } from "../../overlay/contract.js";
import { halves, shown } from "../../overlay/ring.js";
import { ORDER, SECONDS, Seconds, bands } from "../../overlay/stream.js";
import { numbers } from "./chance.mjs";

const only = (name) => EXPRESSIONS.map((expression) => (expression === name ? 1 : 0));
const thick = (stream, name, at) => {
  const [from, to] = stream.find(({ index }) => EXPRESSIONS[index] === name).edges[at];
  return to - from;
};

test("each second is the mean of what came in it, and one without news is like the one before", () => {
  const seconds = new Seconds();
  seconds.add(only("happy"));
  seconds.add(only("sad"));
  seconds.tick();
  seconds.tick();
  const [mean, last] = seconds.kept.slice(-2);
  assert.equal(mean[EXPRESSIONS.indexOf("happy")], 0.5);
  assert.equal(mean[EXPRESSIONS.indexOf("sad")], 0.5);
  assert.deepEqual(last, only("sad"));
  assert.equal(seconds.kept.length, SECONDS);
});

test("nothing stays of a second in which the audience was hidden", () => {
  const seconds = new Seconds();
  seconds.add(only("happy"));
  seconds.add(null);
  seconds.tick();
  assert.equal(seconds.kept.at(-1), null);
});

test("any stream lies around its middle, each band on the one below, and is never thicker than all there is", () => {
  for (let round = 0; round < 100; round++) {
    const random = numbers(round);
    const samples = Array.from({ length: 12 }, () => {
      if (random() < 0.2) return null;
      const weights = EXPRESSIONS.map(() => random() ** 3);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return weights.map((weight) => weight / total);
    });
    const stream = bands(samples);
    assert.deepEqual(stream.map(({ index }) => index), ORDER);
    for (let at = 0; at < samples.length; at++) {
      const edges = stream.map((band) => band.edges[at]);
      edges.forEach(([from, to], i) => {
        assert.ok(to >= from - 1e-9);
        if (i) assert.equal(from, edges[i - 1][1]);
      });
      const [bottom, top] = [edges[0][0], edges.at(-1)[1]];
      assert.ok(Math.abs(bottom + top) < 1e-9);
      assert.ok(top - bottom <= 1 + 1e-9);
    }
  }
});

test("a calm audience is a thin stream, an audience that shows something a thick one", () => {
  const calm = bands(Array(9).fill(only("neutral")));
  const glad = bands(Array(9).fill(only("happy")));
  assert.ok(thick(calm, "neutral", 4) < 0.25);
  assert.ok(thick(glad, "happy", 4) > 0.99);
});

test("the ring's first half is full before the second begins", () => {
  assert.deepEqual(halves(0.25), [0.25, 0]);
  assert.deepEqual(halves(0.75), [0.5, 0.25]);
  assert.deepEqual(halves(1), [0.5, 0.5]);
});

test("the ring moves from where it is to where it shall be, and not beyond", () => {
  const movement = { from: 0.2, to: 0.8 };
  const path = Array.from({ length: 21 }, (_, i) => shown(movement, i / 20));
  assert.equal(path[0], 0.2);
  assert.equal(path.at(-1), 0.8);
  path.slice(1).forEach((share, i) => assert.ok(share > path[i] && share <= 0.8));
  assert.equal(shown(movement, 99), 0.8);
});

// How often machines look that take so long for each look, when a frame comes each 200 ms.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Thrift } from "../../overlay/reading/thrift.js";

/** The times of looks within 20 s. @param {(count: number) => number} cost of one look @param {number} tremble */
function times(cost, tremble = 0) {
  const thrift = new Thrift(), looks = [];
  for (let frame = 0; frame < 100; frame++) {
    const time = frame / 5 + (frame % 2 ? tremble : -tremble);
    if (looks.length && time < looks.at(-1) + cost(looks.length - 1)) continue; // still at it
    if (!thrift.allows(time)) continue;
    thrift.looked(time, cost(looks.length));
    looks.push(time);
  }
  return looks;
}

test("a machine that takes 20 ms looks at each frame, also where frames tremble", () => {
  assert.equal(times(() => 0.02).length, 100);
  assert.equal(times(() => 0.02, 0.04).length, 100);
});

test("the slower the machine, the less often it looks, and once a second at the least", () => {
  const looks = [0.02, 0.03, 0.045, 0.06, 0.1, 0.5].map((cost) => times(() => cost).length);
  assert.deepEqual(looks, [100, 81, 56, 43, 28, 22]);
});

test("looks that waited for another program once in a while make no machine slow", () => {
  assert.ok(times((count) => (count % 4 === 3 ? 0.19 : 0.02)).length >= 99);
});

test("a machine that has become fast looks as often as any other", () => {
  const looks = times((count) => (count < 5 ? 0.3 : 0.02));
  assert.ok(looks.filter((time) => time > 10).length >= 48);
});

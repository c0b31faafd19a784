// What is shown of a countdown and of reactions, and when: overlay/countdown.js, overlay/reactions.js.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { canFollow, plan } from "../../overlay/countdown.js";
import { companions, sizeOf } from "../../overlay/reactions.js";
import { numbers } from "./chance.mjs";

const { limits } = JSON.parse(readFileSync(new URL("../../docs/protocol.json", import.meta.url), "utf-8"));

test("each number comes on its second, down to zero", () => {
  assert.deepEqual(plan(3), [3, 2, 1, 0].map((number, index) => ({ number, delay: 1000 * index })));
  assert.deepEqual(plan(2.5).map(({ number }) => number), [3, 2, 1, 0]);
  assert.deepEqual(plan(2.5).map(({ delay }) => delay), [-500, 500, 1500, 2500]);
});

test("zero comes when the countdown is over, whatever is left of it", () => {
  for (let round = 0; round < 300; round++) {
    const rest = 1 + 29 * numbers(round)();
    const steps = plan(rest);
    assert.equal(steps[steps.length - 1].number, 0);
    assert.equal(steps[steps.length - 1].delay, 1000 * rest);
    assert.ok(steps[0].delay <= 0 && steps[0].delay > -1000, "one number shows at once");
    steps.slice(1).forEach(({ delay }, index) => assert.ok(Math.abs(delay - steps[index].delay - 1000) < 1e-6));
  }
});

test("every countdown that a relay may start is shown, and none that nobody can follow", () => {
  assert.ok(canFollow(limits.shortest_countdown_s) && canFollow(limits.longest_countdown_s));
  for (const rest of [-5, 0, 0.9, limits.longest_countdown_s + 1, NaN, Infinity]) assert.ok(!canFollow(rest));
});

test("a stronger reaction is larger, and never out of bounds", () => {
  assert.deepEqual([0, 1, 7].map(sizeOf), [0.75, 1.5, 1.5]);
  assert.ok(sizeOf(0.5) > sizeOf(0.2));
});

test("few companions float beside, of those who took part", () => {
  assert.equal(companions(1, 1), 0);
  assert.equal(companions(4, 1), 1);
  assert.equal(companions(1e6, 0), 0);
  assert.equal(companions(1e6, 1), 5);
});

// The made-up audience: overlay/demo.js.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { checked } from "../../overlay/contract.js";
import { play } from "../../overlay/demo.js";

test("it sends what a relay could have sent: moods in order, bursts and taps", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const messages = [];
  play((message) => messages.push(message));
  mock.timers.tick(250 * 1000);
  mock.timers.reset();
  assert.deepEqual(messages.filter((message) => checked(message) !== message), []);
  const moods = messages.filter(({ type }) => type === "mood");
  assert.ok(moods.length > 900);
  moods.forEach(({ seq, shares, valence, resonance }, index) => {
    assert.equal(seq, index);
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
    assert.ok(Math.abs(valence) <= 1 && resonance >= 0 && resonance <= 1);
  });
  const reactions = messages.filter(({ type }) => type === "reaction");
  assert.ok(reactions.some(({ kind }) => kind === "expression") && reactions.some(({ kind }) => kind === "tap"));
});

// How the stream stands, in words: overlay/air.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { airOf } from "../../overlay/air.js";

const told = (...heard) => {
  const { name, words, watching } = airOf(...heard);
  return `${name}: ${[words, watching].filter(Boolean).join(", ")}`;
};

test("a connection alone is not on air", () => {
  assert.equal(told("open", null, null), "ready: Ready");
  assert.equal(told("open", { session: null }, { viewers: 0 }), "ready: Ready, no viewers yet");
  assert.equal(told("open", { session: 3, state: "auto" }, { viewers: 0 }), "ready: Ready, no viewers yet");
});

test("on air is a session with viewers, or one that the streamer has opened", () => {
  assert.equal(told("open", { session: 3, state: "auto" }, { viewers: 1 }), "air: On air, 1 viewer");
  assert.equal(told("open", { session: 3 }, { viewers: 42 }), "air: On air, 42 viewers");
  assert.equal(told("open", { session: 3, state: "open" }, { viewers: 0 }), "air: On air, no viewers yet");
});

test("a pause and an end are told, and so is a relay that is away, of whose viewers nothing is known", () => {
  assert.equal(told("open", { session: 3, state: "paused" }, { viewers: 2 }), "paused: Paused, 2 viewers");
  assert.equal(told("open", { session: 3 }, { viewers: 2, paused: true }), "paused: Paused, 2 viewers");
  assert.equal(told("open", { session: null, state: "ended" }, { viewers: 2 }), "ended: Session ended, 2 viewers");
  assert.equal(told("connecting", null, null), "connecting: Connecting…");
  assert.match(told("retrying", { session: 3 }, { viewers: 2 }), /^retrying: .*Trying again…$/);
});

// How a subscription comes back: overlay/connection.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import { backoff, moodAddress } from "../../overlay/connection.js";

test("waits grow with each failure, but never too long nor in step", () => {
  assert.deepEqual([0, 1, 2, 3, 30].map((attempt) => backoff(attempt, 1)), [0.5, 1, 2, 2, 2]);
  assert.deepEqual([0, 1].map((random) => backoff(2, random)), [1, 2]);
  for (let attempt = 0; attempt < 2000; attempt++) assert.ok(backoff(attempt, 1) <= 2);
});

test("what the relay asks for is kept where it is longer and believable", () => {
  const asked = [20, 1e12, 2, 0, -3, NaN, Infinity, "20", null, undefined, {}, [20]];
  assert.deepEqual(asked.map((wait) => backoff(2, 0.5, wait)), [20, 60, 2, 1.5, 1.5, 1.5, 60, 1.5, 1.5, 1.5, 1.5, 1.5]);
});

test("a relay's address leads to the channel's mood", () => {
  const cases = {
    "http://127.0.0.1:8765/": "ws://127.0.0.1:8765/v1/channels/demo/mood",
    "https://example.org/moodcast/?x#y": "wss://example.org/moodcast/v1/channels/demo/mood",
    "wss://example.org": "wss://example.org/v1/channels/demo/mood",
    "http://http.example": "ws://http.example/v1/channels/demo/mood",
  };
  for (const [relay, address] of Object.entries(cases)) assert.equal(moodAddress(relay, "demo"), address);
  assert.ok(moodAddress("http://127.0.0.1", "a/b?c").endsWith("/v1/channels/a%2Fb%3Fc/mood"));
});

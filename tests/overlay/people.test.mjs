// What the dashboard says of who is on the grid: overlay/people.js.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import "./texts.mjs";
import { leftFor, noticeOf, peopleWords } from "../../overlay/people.js";

test("who is on the grid is told in words", () => {
  assert.equal(peopleWords({ people: [], more: 0, hidden: [] }), "Nobody is shown now.");
  assert.equal(peopleWords({ people: ["ann"], more: 0, hidden: [] }), "1 viewer is shown.");
  assert.equal(peopleWords({ people: ["ann", "ben"], more: 0, hidden: [] }), "2 viewers are shown.");
  assert.equal(peopleWords({ people: ["ann", "ben"], more: 1234, hidden: [] }),
    `2 viewers are shown. ${(1234).toLocaleString()} more would be if there was room.`);
});

test("what was typed becomes one paragraph, and is counted as the relay counts it", () => {
  assert.equal(noticeOf("  two\n\n lines\tand more "), "two lines and more");
  const { messages } = JSON.parse(readFileSync(new URL("../../docs/protocol.json", import.meta.url), "utf-8"));
  assert.equal(leftFor(""), messages.welcome.properties.notice.maxLength);
  assert.equal(leftFor(" \n "), 280);
  assert.equal(leftFor("😀".repeat(280)), 0);
  assert.equal(leftFor("x".repeat(281)), -1);
});

// What the page /try makes of its relay's answers: overlay/recognise.js. Junk is one sentence.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { summary } from "../../overlay/findings.js";
import { isAbout, isFindings } from "../../overlay/recognise.js";
import { numbers } from "./chance.mjs";
import { spoilt } from "./junk.mjs";

const face = { outline: [[1, 2], [9, 2], [9, 8], [-1, 8]], probabilities: [0, 0, 0, 0.9, 0, 0, 0.1], unread: "" };
const FINDINGS = {
  model: "moodnet", width: 640, height: 480, faces: [face, { ...face, unread: "unsure" }],
  milliseconds: { load: 0, decode: 1.5, find: 9, classify: 3 },
};
const ABOUT = { models: [{ name: "moodnet", description: "The default" }], unavailable: "", max_bytes: 8_000_000 };

test("what is sound is taken", () => {
  assert.ok(isFindings(FINDINGS) && isAbout(ABOUT));
  const older = { outline: face.outline, probabilities: face.probabilities };
  assert.ok(isFindings({ ...FINDINGS, faces: [older] }));
});

test("junk in any place is refused, or can be shown", () => {
  const random = numbers(16);
  let refused = 0;
  for (let number = 0; number < 3000; number++) {
    const findings = spoilt(random, FINDINGS);
    if (!isFindings(findings)) refused++;
    else assert.doesNotMatch(summary(findings.faces), /NaN|undefined|null|object/);
    isAbout(spoilt(random, ABOUT));
  }
  assert.ok(refused > 1000);
});

test("more faces than a picture can have are refused", () => {
  assert.ok(!isFindings({ ...FINDINGS, faces: Array.from({ length: 50_000 }, () => face) }));
});

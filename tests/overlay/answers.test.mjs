// The relay's answers where they come in: overlay/answers.js. Nothing that a page would choke on gets through.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import * as answers from "../../overlay/answers.js";
import { checked } from "../../overlay/contract.js";
import { delayWords, lossWords } from "../../overlay/controls.js";
import { clock, hiddenWords, percent, resonanceWords } from "../../overlay/figures.js";
import { momentOf } from "../../overlay/history.js";
import { passwordWords, pictureOf } from "../../overlay/invite.js";
import { peopleWords } from "../../overlay/people.js";
import { Refused } from "../../overlay/requests.js";
import { bucketed, stepFor } from "../../overlay/session/buckets.js";
import { chapters } from "../../overlay/session/chapters.js";
import { ticks } from "../../overlay/session/times.js";
import { whole } from "../../overlay/session/zoom.js";
import { numbers } from "./chance.mjs";
import { junk, spoilt } from "./junk.mjs";
import "./texts.mjs";

const CASES = 3000;
const moment = (time) => ({ time, viewers: 9, sharing: 7, counts: [0, 0, 0, 5, 0, 0, 2], valence: 0.7, resonance: 0.4 });
const reaction = { time: 1005, kind: "tap", name: "heart", strength: 0.2, count: 3 };
const session = { number: 3, name: null, started: 1000, ended: null };
const SOUND = {
  isSessions: { sessions: [{ ...session, seconds: 12 }, { ...session, number: 2, name: "Friday", ended: 1500, seconds: 400 }] },
  isHistory: { session, moments: [moment(1001), moment(1002)], reactions: [reaction], markers: [{ time: 1003, text: "Go" }] },
  isPeaks: { peaks: [{ ...reaction, share: 0.5, strength: 0.3, score: 12 }] },
  isMeasured: { zero: 1010, open_s: 3.5, answers: 4, median: 8.2, min_viewers: 5, crowd: "networks" },
  isOpening: { channel: "demo", listed: false, grid: true, cameras: true, notice: "Hello", password: false },
  isOnGrid: { people: ["Ann", "Ben"], more: 0, hidden: ["cat"] },
  isInvited: { link: "https://relay.example.org/join/demo", app_link: "moodcast://", svg: "<svg/>", rows: [], password: true, note: "" },
};
/** What the pages say of a sound answer. */
const SHOWN = {
  isSessions: ({ sessions }) => sessions.map((one) => `${one.name || one.number} ${new Date(1000 * one.started).toISOString()} ${clock(one.seconds)}`),
  isHistory: (history) => {
    const all = whole(history);
    const marks = ticks(all, "stream", all.from, 8);
    assert.ok(marks.length < 1000, "an axis has an end");
    const step = stepFor(0, all.to - all.from, 1000);
    const buckets = bucketed(history.moments, all, step, all.from, "share").flat();
    return [...marks.map(({ label }) => label), clock(all.to - all.from), lossWords(history, true),
      ...buckets.map(({ mean, high }) => `${percent(mean[3])} ${percent(high[3])} ${mean[7]}`)];
  },
  isPeaks: ({ peaks }) => [...peaks.map(({ time, share, name }) => `${clock(time)} ${percent(share)} ${name}`), ...chapters(peaks, 0)],
  isMeasured: (measured) => [delayWords(measured)],
  isOpening: ({ listed, grid, cameras, notice }) => [`${listed} ${grid} ${cameras} ${notice.toWellFormed?.() ?? ""}`],
  isOnGrid: (grid) => [peopleWords(grid)],
  isInvited: (invited) => [passwordWords(invited), pictureOf(invited.svg.toWellFormed?.() ?? "")],
};
const WRONG = /\b(NaN|undefined|Infinity|Invalid Date|\[object)/;

for (const [name, sound] of Object.entries(SOUND)) {
  test(`${name}: a sound answer, and no junk`, () => {
    const is = answers[name];
    assert.ok(is(structuredClone(sound)));
    const random = numbers(name.length);
    for (let i = 0; i < CASES; i++) {
      assert.ok(!is(junk(random)));
      const answer = spoilt(random, sound);
      if (!is(answer)) continue;
      const theirs = JSON.stringify(answer); // a name that says NaN is the relay's own
      for (const text of SHOWN[name](answer)) {
        const found = WRONG.exec(text);
        assert.ok(!found || theirs.includes(`"${found[1]}"`), `${text} of ${theirs}`);
      }
    }
  });
}

test("things of a session lie one after the other, not years apart", () => {
  const { isHistory } = SOUND;
  assert.ok(!answers.isHistory({ ...isHistory, moments: [moment(1002), moment(1001)] }));
  assert.ok(!answers.isHistory({ ...isHistory, moments: [moment(1002), moment(8e12)] }));
  assert.ok(!answers.isHistory({ ...isHistory, markers: [{ time: 1e9, text: "Go" }] }));
});

test("what makes no sense is one sentence", async () => {
  for (const body of ["", "{", "null", '{"sessions": 7}', '{"__proto__": {"sessions": []}}']) {
    const asked = answers.read(new Response(body), answers.isSessions);
    await assert.rejects(asked, (error) => error instanceof Refused && /makes no sense/.test(error.message));
  }
});

test("a message with junk in it is none, or one of which every figure can be told", () => {
  const random = numbers(5);
  const mood = {
    type: "mood", seq: 1, time: 1e9, visible: true, viewers: 9, sharing: 7, min_viewers: 5, crowd: "networks",
    counts: [0, 0, 0, 5, 0, 0, 2], shares: [0, 0, 0, 0.7, 0, 0, 0.3], valence: 0.7, resonance: 0.4, trend: 0, paused: false,
  };
  for (let i = 0; i < CASES; i++) {
    assert.equal(checked(junk(random)), null);
    const message = checked(spoilt(random, mood));
    if (!message) continue;
    const told = [hiddenWords(message), resonanceWords(message.resonance), ...message.shares.map(percent),
      new Date(1000 * message.time).toISOString(), JSON.stringify(momentOf(message))];
    for (const text of told) assert.doesNotMatch(text, WRONG);
  }
});

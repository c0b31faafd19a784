// One viewer's visit to a channel: overlay/viewer/visit.js. The line to the relay is made up, and so is the time.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./texts.mjs";
import { CONTRACT, message } from "./examples.mjs";
import { numbers } from "./chance.mjs";
import { junk, spoilt } from "./junk.mjs";
import { KINDS, read } from "../../overlay/viewer/messages.js";
import { Visit } from "../../overlay/viewer/visit.js";

const AGREED = { min_viewers: 5, crowd: "networks" };
const WELCOME = { type: "welcome", channel: "demo", viewer: "v", tick_ms: 500, heartbeat_s: 5, ...AGREED };
const MOOD = {
  type: "mood", seq: 1, time: 1e9, visible: false, viewers: 1, sharing: 0, ...AGREED, counts: [0, 0, 0, 0, 0, 0, 0],
  shares: [0, 0, 0, 0, 0, 0, 0], valence: 0, resonance: 0, trend: 0, paused: false, grid: false, cameras: true,
};
const HAPPY = { expression: "happy", confidence: 0.876 };
const SAD = { expression: "sad", confidence: 0.5 };

/** A visit with all that became of it; `now` moves by `pass`. */
class Stage {
  now = 100;
  log = []; // what was done, and what the page was told
  waiting = 0;

  constructor(settings = {}) {
    const hooks = {};
    for (const name of ["State", "Welcome", "Mood", "People", "Said", "Countdown", "Delay", "Cameras", "Shown", "Note"]) {
      hooks[`on${name}`] = (...told) => this.log.push([`on${name}`, ...told]);
    }
    const line = { path: "/v1/channels/demo", waiting: () => this.waiting };
    for (const name of ["ask", "connect", "write", "close"]) line[name] = (...told) => this.log.push([name, ...told]);
    this.visit = new Visit({ password: "", name: "", delay: 0, agreed: AGREED, ...settings }, line, hooks, () => 0.5);
  }

  /** What happened of these kinds since it was asked last; the rest is forgotten. */
  take(...kinds) {
    return this.log.splice(0).filter(([kind]) => kinds.includes(kind)).map(([, ...told]) => told[0]);
  }

  sent() {
    return this.take("write").map((text) => JSON.parse(text));
  }

  state() {
    return this.take("onState").at(-1);
  }

  hear(...messages) {
    for (const said of messages) this.visit.heard(this.now, typeof said === "string" ? said : JSON.stringify(said));
  }

  connect() {
    this.visit.asked(this.now, "t1cket");
    this.visit.opened(this.now);
  }

  join(welcome = {}) {
    this.visit.join(this.now);
    this.connect();
    this.hear({ ...WELCOME, ...welcome });
    this.log = [];
    return this;
  }

  pass(seconds, each = () => {}) {
    for (let i = 0; i < 5 * seconds; i++) {
      this.now += 0.2;
      each();
      this.visit.tick(this.now);
    }
  }

  /** Time passes and the relay is there. */
  live(seconds, each = () => {}) {
    this.pass(seconds, () => {
      this.hear(MOOD);
      each();
    });
  }
}

const joined = (welcome) => new Stage().join(welcome);

test("a ticket, a connection, hello, welcome; ticket and password are not told", () => {
  const stage = new Stage({ password: "s3cret", name: "Ann", delay: 4 });
  stage.visit.join(stage.now);
  assert.deepEqual(stage.take("ask"), ['{"password":"s3cret"}']);
  stage.connect();
  assert.deepEqual(stage.log.filter(([kind]) => kind === "write"), [
    ["write", '{"type":"hello","agent":"moodcast-page","ticket":"t1cket","name":"Ann","delay":4}'],
  ]);
  stage.hear(WELCOME);
  assert.equal(stage.state().link, "joined");
});

test("what is sent is told to the letter, but for ticket and password", () => {
  const stage = new Stage({ password: "s3cret" });
  stage.visit.join(stage.now);
  stage.connect();
  stage.hear(WELCOME);
  stage.visit.observe(stage.now, HAPPY);
  stage.visit.tap(stage.now, "heart");
  const { log } = stage;
  assert.deepEqual(log.filter(([kind]) => kind === "onSaid").map(([, text]) => text), [
    'POST /v1/channels/demo/tickets {"password":"…"}',
    "GET /v1/channels/demo/viewer",
    '{"type":"hello","agent":"moodcast-page","ticket":"…"}',
    '{"type":"label","emotion":"happy","confidence":0.88}',
    '{"type":"tap","tap":"heart"}',
  ]);
  const written = log.filter(([kind]) => kind === "write").map(([, text]) => text.replace("t1cket", "…"));
  assert.deepEqual(log.filter(([kind, text]) => kind === "onSaid" && text[0] === "{").map(([, text]) => text), written);
});

test("without a password, a name or a delay none is sent", () => {
  const stage = new Stage();
  stage.visit.join(stage.now);
  assert.deepEqual(stage.take("ask"), ["{}"]);
  stage.connect();
  assert.deepEqual(stage.sent(), [{ type: "hello", agent: "moodcast-page", ticket: "t1cket" }]);
});

test("a relay that promises less than was agreed to gets no label, and is not asked again", () => {
  for (const less of [{ min_viewers: 4 }, { crowd: "viewers" }, { crowd: undefined }]) {
    const stage = new Stage();
    stage.visit.join(stage.now);
    stage.visit.observe(stage.now, HAPPY);
    stage.connect();
    stage.log = [];
    stage.hear({ ...WELCOME, ...less });
    stage.pass(60, () => stage.visit.observe(stage.now, HAPPY));
    assert.deepEqual(stage.log.filter(([kind]) => !["onWelcome", "close"].includes(kind)), [
      ["onState", { link: "refused", code: "promises_less", message: "" }],
    ]);
  }
});

test("a relay that promises more is welcome", () => {
  const stage = joined({ min_viewers: 9 });
  stage.visit.observe(stage.now, HAPPY);
  assert.equal(stage.sent().length, 1);
});

for (const [step, begin] of Object.entries({
  "a ticket": () => {},
  "a connection": (stage) => stage.visit.asked(stage.now, "t"),
  "a welcome": (stage) => stage.connect(),
})) {
  test(`who gets no answer to the wish for ${step} hangs up and comes back`, () => {
    const stage = new Stage();
    stage.visit.join(stage.now);
    begin(stage);
    stage.pass(9.8);
    assert.equal(stage.state().link, "joining");
    stage.pass(0.4);
    assert.deepEqual(stage.log.map(([kind]) => kind), ["close", "onState"]);
    assert.deepEqual(stage.state(), { link: "lost", code: "no_answer", message: "" });
    stage.pass(2);
    assert.deepEqual(stage.take("ask"), ["{}"]);
  });
}

const codes = CONTRACT.codes.map(({ number, name }) => [number, name]);
test("each code ends the visit for good or for now, whether said or closed with", () => {
  assert.ok(codes.length > 15);
  for (const [code, name] of codes) {
    for (const said of [true, false]) {
      const stage = joined();
      if (said) stage.hear({ type: "bye", code, message: "So it is." });
      else stage.visit.ended(stage.now, code);
      const link = code < 4500 ? "refused" : "lost";
      assert.deepEqual(stage.state(), { link, code: name, message: said ? "So it is." : "" });
      stage.pass(60);
      assert.equal(stage.take("ask").length > 0, link === "lost", name);
    }
  }
});

test("a line that breaks is tried again, with longer and longer waits", () => {
  const stage = joined();
  const waits = [];
  stage.visit.ended(stage.now, 1006);
  assert.deepEqual(stage.state(), { link: "lost", code: "broken", message: "" });
  for (let i = 0; i < 8; i++) {
    const began = stage.now;
    while (!stage.take("ask").length) stage.pass(0.2);
    waits.push(stage.now - began);
    stage.visit.declined(stage.now, { code: 0, message: "", wait: 0 });
  }
  for (const [i, wait] of [1.5, 2, 3, 5, 9, 16, 16, 16].entries()) assert.ok(Math.abs(waits[i] - wait) < 0.45, `${waits}`);
});

test("a relay that asks for time gets it, to the ticket and to the bye", () => {
  const stage = new Stage();
  stage.visit.join(stage.now);
  stage.visit.declined(stage.now, { code: 4505, message: "Too many.", wait: 40 });
  assert.deepEqual(stage.state(), { link: "lost", code: "too_often", message: "Too many." });
  stage.pass(39);
  assert.deepEqual(stage.take("ask"), []);
  stage.pass(2);
  assert.deepEqual(stage.take("ask"), ["{}"]);
  stage.connect();
  stage.hear({ type: "bye", code: 4502, message: "Full.", retry_after_s: 20 });
  stage.pass(19);
  assert.deepEqual(stage.take("ask"), []);
  stage.pass(2);
  assert.deepEqual(stage.take("ask"), ["{}"]);
});

test("a viewer who was turned away for good, or waits, may try again at once", () => {
  for (const code of [4406, 4502]) {
    const stage = new Stage();
    stage.visit.join(stage.now);
    stage.visit.declined(stage.now, { code, message: "", wait: 0 });
    stage.log = [];
    stage.visit.join(stage.now);
    assert.deepEqual(stage.take("ask"), ["{}"]);
  }
});

test("a line that falls silent is dead, but a page that stood still first hears what came", () => {
  const stage = joined();
  stage.live(30);
  assert.deepEqual(stage.take("onState"), []);
  stage.pass(19.5);
  assert.deepEqual(stage.take("onState"), []);
  stage.pass(1);
  assert.deepEqual(stage.state(), { link: "lost", code: "silent", message: "" });

  const asleep = joined();
  asleep.live(1);
  asleep.now += 3600;
  asleep.pass(10);
  assert.deepEqual(asleep.take("onState"), []);
});

test("a stalled network has no backlog of labels: the newest goes when it runs again", () => {
  const stage = joined();
  stage.visit.observe(stage.now, HAPPY);
  stage.log = [];
  stage.waiting = 58;
  stage.live(5, () => stage.visit.observe(stage.now, stage.now % 2 < 1 ? HAPPY : SAD));
  stage.live(1, () => stage.visit.observe(stage.now, SAD));
  stage.visit.tap(stage.now, "clap");
  assert.deepEqual(stage.sent(), []);
  stage.waiting = 0;
  stage.pass(0.2);
  assert.deepEqual(stage.sent(), [{ type: "tap", tap: "clap" }, { type: "label", emotion: "sad", confidence: 0.5 }]);
});

test("a reading that the camera no longer confirms is withdrawn", () => {
  const stage = joined();
  stage.visit.observe(stage.now, HAPPY);
  stage.log = [];
  stage.live(2.8);
  assert.deepEqual(stage.sent(), []);
  stage.live(0.4);
  assert.deepEqual(stage.sent(), [{ type: "away" }]);
});

test("a channel that forbids cameras gets away and then no label, but taps", () => {
  const stage = joined();
  stage.visit.observe(stage.now, HAPPY);
  stage.log = [];
  stage.hear({ ...MOOD, cameras: false });
  assert.deepEqual(stage.log.map(([kind]) => kind).filter((kind) => kind !== "onSaid"), ["onCameras", "onMood", "write"]);
  assert.deepEqual(stage.take("onCameras"), [false]);
  stage.pass(5, () => {
    stage.hear({ ...MOOD, cameras: false });
    stage.visit.observe(stage.now, HAPPY);
  });
  assert.deepEqual(stage.sent(), []);
  assert.ok(stage.visit.tap(stage.now, "wow"));
  assert.deepEqual(stage.sent(), [{ type: "tap", tap: "wow" }]);
  stage.hear(MOOD);
  assert.deepEqual(stage.take("onCameras"), [true]);
  stage.visit.observe(stage.now, HAPPY);
  assert.equal(stage.sent()[0].emotion, "happy");
});

test("a channel that forbids cameras from the start never gets a label, nor what was read before a loss", () => {
  const stage = joined({ cameras: false });
  stage.visit.observe(stage.now, HAPPY);
  assert.ok(stage.sent().every(({ type }) => type === "away"));

  const back = joined();
  back.visit.observe(back.now, HAPPY);
  back.visit.ended(back.now, 1006);
  back.visit.join(back.now);
  back.connect();
  back.log = [];
  back.hear({ ...WELCOME, cameras: false });
  assert.deepEqual(back.sent(), [{ type: "away" }]);
});

test("a channel that takes cameras again before the viewer is in says so, and one that still forbids them nothing new", () => {
  const forbidden = { agreed: { ...AGREED, cameras: false } };
  const stage = new Stage(forbidden);
  stage.visit.join(stage.now);
  stage.connect();
  stage.hear(WELCOME);
  assert.deepEqual(stage.take("onCameras"), [true]);

  const still = new Stage(forbidden).join({ cameras: false });
  still.hear({ ...MOOD, cameras: false });
  still.visit.observe(still.now, HAPPY);
  assert.deepEqual(still.take("onCameras"), []);
});

test("in the streamer's pause taps are not sent; afterwards the label is said anew", () => {
  const stage = joined();
  stage.visit.observe(stage.now, HAPPY);
  stage.hear({ ...MOOD, paused: true });
  assert.equal(stage.visit.tap(stage.now, "heart"), false);
  stage.log = [];
  stage.pass(1, () => stage.visit.observe(stage.now, HAPPY));
  assert.deepEqual(stage.sent(), []);
  stage.hear(MOOD);
  assert.deepEqual(stage.sent(), [{ type: "label", emotion: "happy", confidence: 0.88 }]);
  assert.ok(stage.visit.tap(stage.now, "heart"));
});

test("more taps than the relay takes are dropped here, and none goes anywhere before the welcome", () => {
  const early = new Stage();
  assert.equal(early.visit.tap(early.now, "heart"), false);
  early.visit.join(early.now);
  early.connect();
  assert.equal(early.visit.tap(early.now, "heart"), false);

  const stage = joined();
  const taken = Array.from({ length: 1000 }, () => stage.visit.tap(stage.now, "heart")).filter(Boolean).length;
  assert.ok(taken >= 299 && taken <= 300, `${taken}`);
  assert.equal(stage.sent().length, taken);
});

const GRID = { grid: true, granted: 1e9 };

test("shown on the grid until the streamer takes it back; each later one has to be chosen anew", () => {
  const stage = joined(GRID);
  stage.visit.show(stage.now, true);
  stage.visit.show(stage.now, true);
  stage.visit.look(stage.now, true);
  assert.deepEqual(stage.log.filter(([kind]) => kind === "onShown"), [["onShown", true]]);
  assert.deepEqual(stage.sent(), [{ type: "show", on: true }, { type: "look", on: true }]);
  stage.hear({ ...MOOD, grid: false });
  assert.equal(stage.visit.isShown, false);
  stage.hear({ ...MOOD, grid: true });
  assert.deepEqual(stage.log.filter(([kind]) => kind === "onShown"), [["onShown", false]]);
  assert.deepEqual(stage.sent(), [{ type: "look", on: true }], "the looking goes on, the showing doesn't");
});

test("after a loss who was shown is shown again, unless the grid was taken back meanwhile", () => {
  for (const [granted, again] of [[1e9, true], [1e9 + 1, false], [0, false]]) {
    const stage = joined(GRID);
    stage.visit.show(stage.now, true);
    stage.visit.ended(stage.now, 1006);
    stage.visit.join(stage.now);
    stage.connect();
    stage.log = [];
    stage.hear({ ...WELCOME, grid: true, granted });
    assert.deepEqual(stage.sent(), again ? [{ type: "show", on: true }] : []);
    assert.equal(stage.visit.isShown, again);
  }
});

test("the grid can't be had where it is not allowed, and a refusal of the relay is heard", () => {
  const without = joined();
  without.visit.show(without.now, true);
  without.visit.look(without.now, true);
  assert.deepEqual(without.sent(), []);

  const stage = joined(GRID);
  stage.visit.show(stage.now, true);
  stage.hear({ type: "error", code: 4412, message: "No name." });
  assert.equal(stage.visit.isShown, false);
  assert.deepEqual(stage.take("onNote"), ["No name."]);
});

test("a relay can't fill the page with its sentences", () => {
  const stage = joined();
  for (let i = 0; i < 100; i++) stage.hear({ type: "error", code: 4400, message: "What?" });
  assert.equal(stage.take("onNote").length, 6);
});

test("the zero of a countdown is answered while it may be, and the measured delay goes into the next hello", () => {
  const stage = joined();
  stage.visit.tapZero(stage.now);
  assert.deepEqual(stage.sent(), []);
  stage.hear({ type: "countdown", time: 1e9, seconds: 5, zero: 1e9 + 5 });
  assert.deepEqual(stage.take("onCountdown"), [1000 * (stage.now + 125)]);
  stage.live(7);
  stage.log = [];
  stage.visit.tapZero(stage.now);
  assert.deepEqual(stage.sent(), [{ type: "zero" }]);
  stage.hear({ type: "delay", seconds: 2 });
  assert.deepEqual(stage.take("onDelay"), [2]);
  stage.live(119);
  assert.deepEqual(stage.take("onCountdown"), [null]);
  stage.visit.tapZero(stage.now);
  assert.deepEqual(stage.sent(), []);
  stage.visit.ended(stage.now, 1006);
  stage.visit.join(stage.now);
  stage.connect();
  assert.equal(stage.sent().at(-1).delay, 2);
});

test("who leaves withdraws the label first, hangs up, and sends nothing more", () => {
  const stage = joined();
  stage.visit.observe(stage.now, HAPPY);
  stage.log = [];
  stage.visit.leave();
  assert.deepEqual(stage.log.map(([kind]) => kind), ["write", "onSaid", "close", "onState"]);
  assert.deepEqual(stage.log[0], ["write", '{"type":"away"}']);
  stage.log = [];
  stage.pass(60, () => {
    stage.visit.observe(stage.now, HAPPY);
    stage.visit.tap(stage.now, "heart");
  });
  assert.deepEqual(stage.log, []);
});

test("who leaves on the way in hangs up, and comes to nothing", () => {
  for (const begin of [() => {}, (stage) => stage.visit.asked(stage.now, "t"), (stage) => stage.connect()]) {
    const stage = new Stage();
    stage.visit.join(stage.now);
    begin(stage);
    stage.log = [];
    stage.visit.leave();
    assert.deepEqual(stage.log.map(([kind]) => kind), ["close", "onState"]);
    stage.pass(60);
    assert.deepEqual(stage.take("ask", "write"), []);
  }
});

test("a viewer's page knows what viewers hear, and no more", () => {
  assert.deepEqual([...KINDS].sort(), [...CONTRACT.directions.relay_to_viewer].sort());
  for (const kind of KINDS) {
    for (const only of [false, true]) assert.ok(read(JSON.stringify(message(kind, { required: only }))), kind);
  }
  for (const text of ["", "null", "[]", "[[]]", '{"type":"status"}', '{"type":["mood"]}', '{"type":"__proto__"}', undefined]) {
    assert.equal(read(text), null);
  }
});

test("whatever a hostile relay says in whatever order, nothing breaks, and no label goes out unasked", () => {
  const random = numbers(17);
  const examples = KINDS.map((kind) => message(kind));
  for (let round = 0; round < 300; round++) {
    const stage = new Stage();
    stage.visit.join(stage.now);
    stage.connect();
    stage.log = [];
    for (let i = 0; i < 30; i++) {
      const one = random() < 0.3 ? WELCOME : examples[Math.floor(random() * examples.length)];
      stage.hear(JSON.stringify(random() < 0.5 ? one : random() < 0.5 ? spoilt(random, one) : junk(random)) ?? "");
      if (random() < 0.3) stage.pass(random() * 3);
      if (random() < 0.1) stage.visit.asked(stage.now, "t");
      if (random() < 0.1) stage.visit.opened(stage.now);
    }
    assert.ok(stage.sent().every(({ type }) => type === "hello"), "nothing was observed, tapped or chosen");
  }
});

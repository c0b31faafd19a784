// What a visitor's page opens, joins and ends, and when: overlay/viewer/flow.js and eye.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import { MOOD, PROMISE, READY, Visitor, settled } from "./visitor.mjs";

const HAPPY = { expression: "happy", confidence: 0.9 };
const refused = (code, message = "") => Object.assign(new Error(message), { code });

test("nothing is opened and nobody joins before a button says so", async () => {
  const visitor = new Visitor();
  await visitor.flow.begin();
  assert.equal(visitor.state.screen, "consent");
  visitor.flow.camera();
  visitor.flow.resume();
  visitor.flow.show("Ann");
  await settled();
  assert.deepEqual([visitor.tracks, visitor.readers, visitor.channels], [[], [], []]);
});

test("who agrees to the camera joins, and what is read is observed", async () => {
  const visitor = await new Visitor().joined();
  assert.equal(visitor.open, 1);
  assert.deepEqual(visitor.reader.watched, visitor.tracks);
  assert.deepEqual(visitor.channel.joining.agreed, PROMISE);
  visitor.see(HAPPY);
  assert.deepEqual(visitor.channel.said.at(-1), ["observe", "happy"]);
  assert.deepEqual([visitor.state.camera, visitor.state.reader, visitor.state.reading], ["on", "ready", HAPPY]);
});

test("the camera stays off until the relay has promised the same to who joined", async () => {
  const visitor = new Visitor();
  await visitor.flow.begin();
  visitor.flow.agree("face");
  visitor.flow.pause();
  visitor.flow.resume();
  await settled();
  assert.deepEqual([visitor.tracks, visitor.readers], [[], []]);
  visitor.tell({ link: "refused", code: "promises_less" });
  await settled();
  assert.deepEqual([visitor.state.screen, visitor.state.lowered, visitor.tracks], ["consent", true, []]);
  visitor.flow.agree("face");
  visitor.tell({ link: "joined" });
  await settled();
  assert.equal(visitor.open, 1);
  visitor.flow.pause();
  visitor.tell({ link: "lost" });
  visitor.tell({ link: "joined" });
  await settled();
  assert.equal(visitor.open, 0, "who has paused is not looked at because the relay is back");
});

test("taps only opens no camera and fetches nothing", async () => {
  const visitor = await new Visitor().joined("taps");
  assert.deepEqual([visitor.tracks, visitor.readers], [[], []]);
  assert.ok(visitor.flow.tap("heart"));
});

test("from taps only the camera takes a look at what it means first", async () => {
  const visitor = await new Visitor().joined("taps");
  visitor.flow.camera();
  assert.equal(visitor.state.screen, "consent");
  assert.equal(visitor.open, 0);
  visitor.flow.agree("face");
  await settled();
  assert.equal(visitor.open, 1);
  assert.equal(visitor.channels.length, 1, "still in the channel");
});

for (const [name, act] of [["pause", (flow) => flow.pause()], ["taps", (flow) => flow.taps()], ["stop", (flow) => flow.stop()]]) {
  test(`${name}: the camera is off at once and the label withdrawn`, async () => {
    const visitor = await new Visitor().joined();
    visitor.see(HAPPY);
    act(visitor.flow);
    assert.equal(visitor.open, 0);
    assert.deepEqual(visitor.channel.said.at(-1), ["observe", null]);
    visitor.see(HAPPY);
    assert.deepEqual(visitor.channel.said.at(-1), ["observe", null], "what was still on its way counts no more");
    assert.equal(visitor.state.reading, null);
  });
}

test("stopping ends the reader and leaves the channel; coming back asks anew", async () => {
  const visitor = await new Visitor().joined();
  visitor.flow.stop();
  assert.ok(visitor.reader.ended && visitor.channel.left);
  assert.equal(visitor.state.screen, "ended");
  visitor.flow.resume();
  visitor.flow.camera();
  await settled();
  assert.equal(visitor.open, 0);
  await visitor.flow.begin();
  assert.deepEqual([visitor.state.screen, visitor.state.mayOpen], ["consent", false]);
});

test("a camera that opens after the visitor has stopped is closed again", async () => {
  const visitor = new Visitor();
  let opened;
  visitor.camera = () => new Promise((resolve) => { opened = resolve; });
  await visitor.flow.begin();
  visitor.flow.agree("face");
  visitor.tell({ link: "joined" });
  visitor.flow.pause();
  opened();
  await settled();
  assert.deepEqual([visitor.tracks.length, visitor.open, visitor.state.camera], [1, 0, "off"]);
});

test("a pause goes on with what was shared before", async () => {
  const visitor = await new Visitor().joined();
  visitor.flow.pause();
  assert.equal(visitor.flow.tap("heart"), false);
  visitor.flow.resume();
  await settled();
  assert.deepEqual([visitor.state.wish, visitor.open, visitor.readers.length], ["face", 1, 1]);
});

for (const [name, key] of [["NotAllowedError", "forbidden"], ["NotFoundError", "none"], ["NotReadableError", "busy"], ["OddError", "unusable"]]) {
  test(`a camera that fails with ${name} is told, and may be tried again`, async () => {
    const visitor = new Visitor();
    visitor.camera = async () => { throw Object.assign(new Error("x"), { name }); };
    await visitor.joined();
    assert.equal(visitor.state.camera, "gone");
    assert.equal(visitor.state.cameraProblem.key, `join.camera.${key}`);
    assert.ok(visitor.flow.tap("heart"), "taps go on");
    visitor.camera = async () => {};
    visitor.flow.camera();
    await settled();
    assert.deepEqual([visitor.state.camera, visitor.open], ["on", 1]);
  });
}

test("a camera that is unplugged shows nobody", async () => {
  const visitor = await new Visitor().joined();
  visitor.see(HAPPY);
  visitor.tracks[0].dispatchEvent(new Event("ended"));
  assert.deepEqual([visitor.state.camera, visitor.state.cameraProblem.key], ["gone", "join.camera.gone"]);
  assert.deepEqual(visitor.channel.said.at(-1), ["observe", null]);
});

test("a camera that gives no picture is told, and goes on by itself", async () => {
  const visitor = await new Visitor().joined();
  visitor.tracks[0].dispatchEvent(new Event("mute"));
  assert.equal(visitor.state.camera, "dark");
  visitor.tracks[0].dispatchEvent(new Event("unmute"));
  assert.equal(visitor.state.camera, "on");
});

for (const code of ["no_assets", "offline", "damaged", "too_old", "no_webgl", "strange"]) {
  test(`where faces can't be read (${code}), the camera is off and taps go on`, async () => {
    const visitor = new Visitor();
    visitor.load = async () => { throw refused(code, "why"); };
    await visitor.joined();
    assert.deepEqual([visitor.open, visitor.state.wish, visitor.state.camera], [0, "taps", "off"]);
    assert.equal(visitor.state.notice.key, `join.reader.${code === "strange" ? "failed" : code}`);
    assert.ok(visitor.flow.tap("heart"));
  });
}

test("a reader that fails while it is paused does not turn taps on", async () => {
  const visitor = await new Visitor().joined();
  visitor.flow.pause();
  visitor.reader.hooks.onFailed(refused("failed"));
  assert.equal(visitor.state.wish, "paused");
  visitor.flow.resume();
  await settled();
  assert.deepEqual([visitor.state.wish, visitor.open], ["taps", 0]);
});

test("a streamer who forbids cameras has them off at once", async () => {
  const visitor = await new Visitor().joined();
  visitor.channel.hooks.onCameras(false);
  assert.deepEqual([visitor.open, visitor.state.wish, visitor.state.notice.key], [0, "taps", "join.live.forbidden"]);
  visitor.flow.camera();
  await settled();
  assert.equal(visitor.open, 0);
  visitor.channel.hooks.onCameras(true);
  await settled();
  assert.equal(visitor.open, 0, "it does not go on by itself");
  visitor.flow.camera();
  await settled();
  assert.equal(visitor.open, 1);
});

test("a relay that promises less is left, and asked about anew", async () => {
  const visitor = await new Visitor().joined();
  visitor.promise = { ...PROMISE, min_viewers: 2 };
  visitor.tell({ link: "refused", code: "promises_less" });
  assert.deepEqual([visitor.open, visitor.channel.left], [0, true]);
  await settled();
  assert.deepEqual([visitor.state.screen, visitor.state.lowered, visitor.state.promise.min_viewers], ["consent", true, 2]);
});

test("a password is asked for, and told when it is not it", async () => {
  const visitor = new Visitor();
  visitor.promise = refused("wrong_password");
  await visitor.flow.begin();
  assert.deepEqual([visitor.state.screen, visitor.state.guessed], ["password", false]);
  await visitor.flow.guess("sesame");
  assert.deepEqual([visitor.state.screen, visitor.state.guessed, visitor.asked], ["password", true, "sesame"]);
  visitor.promise = PROMISE;
  await visitor.flow.guess("simsim");
  assert.equal(visitor.state.screen, "consent");
});

test("what the relay refuses with is told", async () => {
  const visitor = new Visitor();
  for (const [code, message, told] of [
    ["unknown_channel", "x", { key: "join.problem.unknown_channel", values: { relay: "h.example", channel: "Cats" } }],
    ["full", "x", { key: "join.problem.full" }],
    ["no_answer", "", { key: "join.problem.unreachable" }],
    ["forbidden", "Not from there.", { text: "Not from there." }],
  ]) {
    visitor.promise = refused(code, message);
    await visitor.flow.begin();
    assert.deepEqual([visitor.state.screen, visitor.state.problem], ["refused", told]);
  }
});

test("a relay that ends it for good has everything off", async () => {
  const visitor = await new Visitor().joined();
  visitor.tell({ link: "refused", code: "replaced", message: "x" });
  assert.deepEqual([visitor.open, visitor.state.screen, visitor.state.problem.key], [0, "ended", "join.problem.replaced"]);
});

test("the relay is lost and comes back by itself; the camera stays", async () => {
  const visitor = await new Visitor().joined();
  visitor.channel.hooks.onMood(MOOD);
  visitor.tell({ link: "lost", code: "broken" });
  assert.deepEqual([visitor.state.link, visitor.state.mood, visitor.open], ["lost", null, 1]);
  visitor.tell({ link: "joined" });
  assert.equal(visitor.state.problem, null);
});

test("a relay that still gets ready what reads faces is asked again", async () => {
  const visitor = new Visitor();
  visitor.assets = { ...READY, state: "loading" };
  await visitor.flow.begin();
  visitor.flow.agree("face");
  assert.equal(visitor.state.screen, "consent");
  visitor.assets = READY;
  visitor.now = 10_000;
  visitor.flow.tick(visitor.now);
  await settled();
  assert.equal(visitor.state.assets.state, "ready");
});

test("who taps meanwhile can turn the camera on once there is what reads faces", async () => {
  const visitor = new Visitor();
  visitor.assets = { ...READY, state: "loading" };
  await visitor.joined("taps");
  visitor.assets = READY;
  visitor.now = 10_000;
  visitor.flow.tick(visitor.now);
  await settled();
  visitor.flow.camera();
  assert.equal(visitor.state.screen, "consent");
});

test("the answer to a question that another address has replaced shows nothing", async () => {
  const visitor = new Visitor();
  let answer;
  visitor.answers = () => new Promise((resolve) => { answer = resolve; });
  const asking = visitor.flow.begin();
  visitor.flow.stop();
  answer();
  await asking;
  assert.equal(visitor.state.screen, "asking");
});

test("what was sent begins with the first question, and goes on after coming back", async () => {
  const visitor = await new Visitor().joined();
  visitor.channel.hooks.onSaid('{"type":"label"}');
  visitor.flow.stop();
  await visitor.flow.begin();
  assert.deepEqual(visitor.state.sent.map(({ text }) => text), ["POST /tickets", '{"type":"label"}', "POST /tickets"]);
  assert.equal(visitor.state.labels, 1);
});

test("a name goes to the relay only with the wish to be shown", async () => {
  const visitor = await new Visitor().joined();
  assert.equal(visitor.channel.joining.name, "");
  visitor.flow.show("Ann");
  const [first, second] = visitor.channels;
  assert.ok(first.left);
  assert.equal(second.joining.name, "Ann");
  first.hooks.onState({ link: "refused", code: "replaced", message: "" });
  assert.equal(visitor.state.screen, "live", "what the old line says counts no more");
  visitor.tell({ link: "joined" });
  visitor.channel.hooks.onMood(MOOD);
  visitor.channel.hooks.onMood(MOOD);
  assert.deepEqual(second.said.filter(([what]) => what === "show"), [["show", true]], "said once");
  visitor.flow.withdraw();
  assert.deepEqual(second.said.at(-1), ["show", false]);
});

test("a measured delay is that of one countdown, also after a loss", async () => {
  const visitor = await new Visitor().joined();
  const { hooks } = visitor.channel;
  hooks.onCountdown(5000, { zero: 7 });
  hooks.onDelay(3);
  hooks.onCountdown(5000, { zero: 7 });
  assert.equal(visitor.state.measured, 3);
  hooks.onCountdown(9000, { zero: 11 });
  assert.equal(visitor.state.measured, null);
});

test("what was seen is shown no longer than it is shared, should the reader hang", async () => {
  const visitor = await new Visitor().joined();
  visitor.see(HAPPY);
  visitor.now = 2_900;
  visitor.flow.tick(visitor.now);
  assert.deepEqual(visitor.state.reading, HAPPY);
  visitor.now = 3_100;
  visitor.flow.tick(visitor.now);
  assert.deepEqual([visitor.state.reading, visitor.state.box], [null, null]);
  assert.deepEqual(visitor.channel.said.at(-1), ["observe", null]);
});

test("a hint is told once, and holds until something is read", async () => {
  const visitor = await new Visitor().joined();
  visitor.see(null, { hint: "no_face", box: null });
  visitor.see(null, { box: null });
  assert.equal(visitor.state.hint, "no_face");
  visitor.see(HAPPY);
  assert.equal(visitor.state.hint, "");
});

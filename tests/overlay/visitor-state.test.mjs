// What a visitor's page shows for which state: overlay/viewer/state.js.

import "./texts.mjs";

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  audience, besideFace, calibration, cameraAction, download, fresh, inPlaceOfPicture, loading, mayTap, nameOf, obstacle, shared, status, whoSees,
  whyNotShown,
} from "../../overlay/viewer/state.js";
import { speak } from "../../overlay/texts.js";
import { spell } from "../../overlay/viewer/words.js";
import { BROWSER, MOOD, PROMISE, READY } from "./visitor.mjs";

const of = (patch = {}) => ({
  ...fresh({ relay: "https://h.example", channel: "Cats", browser: BROWSER }), promise: PROMISE, assets: READY, ...patch,
});
const sharing = (patch = {}) =>
  of({ screen: "live", wish: "face", link: "joined", camera: "on", reader: "ready", mood: MOOD, ...patch });
const said = (...messages) => messages.map((message) => ({ time: 0, text: typeof message === "string" ? message : JSON.stringify(message) }));
const label = { type: "label", emotion: "happy", confidence: 0.87 };

test("the camera can be had, or the page says why not", () => {
  const why = (patch, browser = {}) => obstacle(of({ ...patch, browser: { ...BROWSER, ...browser } }))?.key ?? null;
  assert.equal(why({}), null);
  assert.equal(why({}, { secure: false, camera: false }), "join.obstacle.insecure");
  assert.equal(why({}, { camera: false }), "join.obstacle.old");
  assert.equal(why({}, { wasm: false }), "join.obstacle.old");
  assert.equal(why({ promise: { ...PROMISE, cameras: false } }, { secure: false }), "join.obstacle.forbidden");
  assert.equal(why({ mood: { ...MOOD, cameras: false } }), "join.obstacle.forbidden");
  assert.equal(why({ assets: { ...READY, state: "missing", advice: "do it" } }), "join.obstacle.missing");
  assert.equal(why({ assets: { ...READY, state: "loading" } }), "join.obstacle.preparing");
  assert.equal(why({ assets: null }), "join.obstacle.preparing");
  assert.match(spell(obstacle(of({ assets: { ...READY, state: "missing", advice: "Run it." } }))), /Run it\./);
});

test("who sees it is what the relay promises, as the agent says it", () => {
  const told = (promise) => whoSees({ relay: "https://h.example", promise: { ...PROMISE, ...promise } }).map(spell).join(" ");
  assert.match(told({}), /^Whoever runs h\.example gets it with your network address.* once people of 5 networks share\.$/);
  assert.match(told({ min_viewers: 1 }), /even a single person/);
  assert.match(told({ min_viewers: 2 }), /the other one can tell which is yours/);
  assert.match(told({ crowd: "viewers" }), /once 5 people share\..*somebody with 4 of them could read yours alone/);
  assert.match(told({ cameras: false }), /how often what was tapped, not by whom: once people of 5 networks are there\.$/);
  assert.match(told({ cameras: false, crowd: "viewers" }), /not by whom: once 5 people are there\.$/);
  assert.match(told({ cameras: false, min_viewers: 1 }), /even if you alone tap\.$/);
  assert.match(told({ via: "Cloudflare" }), /a tunnel of Cloudflare, who can read it, too/);
});

test("the download's size is told in the language's own way", () => {
  assert.match(spell(download(READY)), /9\.0 MB/);
  speak("de");
  assert.match(spell(download(READY)), /9,0 MB/);
  speak("en");
  assert.equal(download({ ...READY, state: "missing" }), null);
  assert.equal(download(null), null);
});

test("what the relay has of the visitor is what it was told last", () => {
  assert.deepEqual(shared(said("GET /x", { type: "hello" }, label, { type: "tap", tap: "heart" })), { expression: "happy", confidence: 0.87 });
  assert.equal(shared(said(label, { type: "away" })), null);
  assert.equal(shared(said(label, { type: "hello" })), null);
  assert.equal(shared([]), null);
});

test("the line that must be true says what leaves the device", () => {
  const line = (patch) => spell(status(sharing(patch)).headline);
  assert.equal(line({ sent: said(label) }), "Happy, 87 %");
  assert.equal(status(sharing({ sent: said(label) })).tone, "good");
  assert.equal(line({ wish: "paused", sent: said(label) }), "Paused");
  assert.equal(line({ link: "lost", sent: said(label) }), "Connection lost");
  assert.equal(line({ link: "joining" }), "Connecting …");
  assert.equal(line({ mood: { ...MOOD, paused: true } }), "The streamer has paused");
  assert.equal(line({ wish: "taps" }), "Taps only");
  assert.equal(line({ camera: "gone", cameraProblem: { key: "join.camera.none" } }), "No camera");
  assert.equal(line({ camera: "dark" }), "The camera gives no picture");
  assert.equal(line({ camera: "starting" }), "Starting the camera …");
  assert.equal(line({ reader: "loading" }), "Getting ready …");
  assert.equal(line({}), "Away: no face");
  assert.equal(line({ unread: "covered" }), "Away: something covers your mouth");
  assert.equal(line({ reading: { expression: "sad", confidence: 0.5 } }), "Looking …");
});

test("hints and what the relay objects to stand below it", () => {
  const lines = (patch) => status(sharing(patch)).details.map(spell).join(" ");
  assert.match(lines({ hint: "no_face" }), /^No face for a while/);
  assert.match(lines({ notice: { text: "Objection." } }), /Objection\.$/);
  assert.match(lines({ reader: "loading", loaded: { here: 3.2e6, size: 8.96e6 } }), /3\.2 of 9\.0 MB/);
});

test("every reason of the agent's has its words here, the same as in its window", () => {
  const read = (name) => JSON.parse(readFileSync(new URL(`../../overlay/texts/${name}.json`, import.meta.url), "utf-8"));
  const [own, window] = [read("join"), read("window")];
  const keys = Object.keys(window).filter((key) => key.startsWith("unread."));
  assert.ok(keys.length >= 7);
  for (const key of keys) {
    assert.deepEqual(own[key], window[key], key);
    assert.ok(own[key.replace("unread.", "hint.")], key);
  }
});

test("the download shows while it goes on, and only then", () => {
  assert.deepEqual(loading(sharing({ reader: "loading", loaded: { here: 0, size: 0 } })), []);
  assert.deepEqual(loading(sharing({ loaded: { here: 9, size: 9 } })), []);
});

test("in place of the picture stands why there is none", () => {
  const instead = (patch) => inPlaceOfPicture(sharing(patch))?.key ?? null;
  assert.equal(instead({}), null);
  assert.equal(instead({ camera: "off", wish: "paused" }), "join.no_picture.paused");
  assert.equal(instead({ camera: "off", wish: "taps" }), "join.no_picture.taps");
  assert.equal(instead({ camera: "starting" }), "join.no_picture.starting");
  assert.equal(instead({ camera: "gone" }), "join.no_picture.gone");
  assert.equal(spell(besideFace(sharing({ reading: { expression: "happy", confidence: 0.914 } }))), "Happy 91 %");
});

test("buttons are there for what can be done", () => {
  assert.equal(cameraAction(sharing()), "taps");
  assert.equal(cameraAction(sharing({ camera: "gone" })), "retry");
  assert.equal(cameraAction(sharing({ wish: "taps" })), "camera");
  assert.equal(cameraAction(sharing({ wish: "taps", mood: { ...MOOD, cameras: false } })), null);
  assert.equal(cameraAction(sharing({ wish: "paused" })), null);
  assert.ok(mayTap(sharing()));
  assert.ok(!mayTap(sharing({ wish: "paused" })));
  assert.ok(!mayTap(sharing({ link: "lost" })));
  assert.ok(!mayTap(sharing({ mood: { ...MOOD, paused: true } })));
});

test("a countdown can be answered while it is open", () => {
  assert.equal(calibration(sharing(), 0), "nothing");
  assert.equal(calibration(sharing({ countdown: 10 }), 5), "open");
  assert.equal(calibration(sharing({ countdown: 10, measured: 3 }), 5), "measured");
  assert.equal(calibration(sharing({ countdown: 10 }), 11), "nothing");
  assert.equal(calibration(sharing({ countdown: 10, link: "lost" }), 5), "nothing");
});

test("the audience's shares are told only where they are visible", () => {
  assert.deepEqual(audience(MOOD).ranking.map(({ expression }) => expression), ["happy", "surprise", "neutral"]);
  assert.equal(spell(audience(MOOD).counts), "9 watching · 8 sharing");
  for (const hidden of [{ visible: false }, { paused: true }]) {
    assert.equal(audience({ ...MOOD, ...hidden }).shares, null);
    assert.equal(spell(audience({ ...MOOD, ...hidden }).counts), "9 watching");
  }
  assert.equal(audience(null).counts, null);
});

test("who can't be shown is told why", () => {
  assert.equal(whyNotShown(sharing()), null);
  assert.equal(whyNotShown(sharing({ link: "lost" })).key, "join.people.unjoined");
  assert.equal(whyNotShown(sharing({ mood: { ...MOOD, grid: false } })).key, "join.people.forbidden");
  assert.equal(whyNotShown(sharing({ shown: true, link: "lost" })), null);
});

test("a name is one line that can be seen", () => {
  assert.equal(nameOf("  Ann 🙂 "), "Ann 🙂");
  for (const none of ["", "   ", "a\nb", "a\u202eb", "a\u0000", "x".repeat(41), "a\u2028b"]) assert.equal(nameOf(none), null, none);
  assert.equal(nameOf("🙂".repeat(40)), "🙂".repeat(40));
});

// A page's address: overlay/options.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./files.mjs";
import "./texts.mjs";
import { canSubscribe, readOptions } from "../../overlay/options.js";

const read = (address) => readOptions(new URL(address, "http://relay.example/overlay"));
const WITH_RELAY = "relay=https://relay.example.org";

test("what is not given has its default", () => {
  const { options, problems } = read(`?channel=demo&${WITH_RELAY}#key=secret`);
  assert.deepEqual(options, {
    key: "secret", source: "relay", position: "bottom", bar: "on", reactions: "on", moments: "on", streamer: "on", scale: 1,
    title: "", layout: "bar", theme: "dark", language: "auto", motion: "full", coverage: "on", trend: "on", note: "off",
    relay: "https://relay.example.org", channel: "demo",
  });
  assert.deepEqual(problems, []);
  assert.ok(canSubscribe(options));
});

test("what is given is read", () => {
  const look = "layout=corner&theme=comic&language=zh-TW&motion=low&coverage=off&trend=off&note=on&position=top-left";
  const { options, problems } = read(`?source=obs&bar=off&reactions=off&moments=off&streamer=off&scale=1.5&title=Hello%20you&${look}`);
  assert.deepEqual(problems, []);
  assert.deepEqual({ ...options, relay: "" }, {
    key: "", source: "obs", position: "top-left", bar: "off", reactions: "off", moments: "off", streamer: "off",
    scale: 1.5, title: "Hello you", layout: "corner", theme: "comic", language: "zh-TW", motion: "low", coverage: "off",
    trend: "off", note: "on", relay: "", channel: "",
  });
});

for (const wrong of [
  "source=file", "position=left", "layout=none", "theme=toString", "language=xx", "motion=none", "note=yes", "bar=yes", "reactions=true", "streamer=yes", "scale=0.4", "scale=3.1", "scale=big", "scale=NaN",
  `title=${"x".repeat(61)}`, "relay=ftp://relay.example.org", "relay=nonsense", "channel=a%2Fb", "channel=-a",
  `channel=${"x".repeat(65)}`,
]) {
  test(`${wrong.slice(0, 30)}: is told, and the default taken`, () => {
    const { options, problems } = read(`?${wrong}&source=demo`);
    const [name, text] = wrong.split("=");
    const told = problems.filter((problem) => problem.startsWith(`${name}=`));
    assert.equal(told.length, 1);
    assert.match(told[0], /: expected .+\.$/);
    assert.ok(told[0].length < 160);
    assert.notEqual(String(options[name]), decodeURIComponent(text));
  });
}

test("a wrong relay is replaced by none: the key goes to no other than the one meant", () => {
  const { options } = read("?channel=demo&relay=nonsense#key=secret");
  assert.equal(options.relay, "");
  assert.ok(!canSubscribe(options));
});

test("a key in the query is refused with a sentence that does not repeat it", () => {
  const { options, problems } = read(`?channel=demo&${WITH_RELAY}&key=s3cret`);
  assert.equal(options.key, "");
  assert.equal(problems.length, 1);
  assert.match(problems[0], /behind a #/);
  assert.ok(!problems[0].includes("s3cret"));
});

test("what is missing to subscribe is said", () => {
  assert.match(read(`?${WITH_RELAY}`).problems.join(), /No channel/);
  assert.match(read(`?channel=demo&${WITH_RELAY}`).problems.join(), /No display key/);
  assert.match(read("?channel=demo#key=k").problems.join(), /No relay/); // this file's own address is none
  assert.deepEqual(read("?source=obs").problems, []);
});

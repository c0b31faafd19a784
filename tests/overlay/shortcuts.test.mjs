// What single keys do on the dashboard: overlay/shortcuts.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import { actionOf } from "../../overlay/shortcuts.js";

const pressed = (key, more = {}) =>
  actionOf({ key, code: "", ctrlKey: false, altKey: false, metaKey: false, repeat: false, isComposing: false, ...more });

test("a letter does what it says, in either case", () => {
  assert.deepEqual(["m", "M", "c", "t", "?"].map((key) => pressed(key)), ["mark", "mark", "countdown", "rehearse", "help"]);
  assert.deepEqual(["x", "Enter", "Tab", "F1", "__proto__", "ArrowUp"].map((key) => pressed(key)), Array(6).fill(null));
});

test("on a keyboard of other letters the key's place counts", () => {
  assert.equal(pressed("ь", { code: "KeyM" }), "mark");
  assert.equal(pressed("с", { code: "KeyC" }), "countdown");
  assert.equal(pressed(",", { code: "KeyM" }), null, "a Dvorak keyboard's comma is a comma");
});

test("a key that is held, or with others that are the browser's, does nothing", () => {
  for (const more of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }, { repeat: true }, { isComposing: true }]) {
    assert.equal(pressed("m", more), null);
  }
});

// Files that a relay has no room to send just now.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { load } from "../../overlay/reading/loader.js";

const KEYS = [
  "vision", "vision_loader", "vision_wasm", "ort", "ort_loader", "ort_wasm", "landmarker", "detector", "moodnet",
];
const BASE = new URL("http://relay.example/mood/");
const content = (/** @type {string} */ key) => new TextEncoder().encode(`the file ${key}`);

/** @param {(key: string) => Response} answer @param {number[]} waits */
function relay(answer, waits) {
  const files = Object.fromEntries(KEYS.map((key) => [key, {
    url: `../assets/0/${key}`,
    sha256: createHash("sha256").update(content(key)).digest("hex"),
    bytes: content(key).length,
  }]));
  globalThis.fetch = async (url) =>
    String(url) === `${BASE}v1/assets` ? Response.json({ state: "ready", files }) : answer(String(url).slice(`${BASE}assets/0/`.length));
  globalThis.setTimeout = /** @type {any} */ ((/** @type {() => void} */ then, /** @type {number} */ ms) => {
    waits.push(ms / 1000);
    queueMicrotask(then);
  });
}

const { fetch, setTimeout } = globalThis;
test.afterEach(() => Object.assign(globalThis, { fetch, setTimeout }));

test("who is told to come back waits as long as it was told, and some more, and then has all", async () => {
  const full = new Map([["vision_wasm", 3], ["moodnet", 1]]);
  /** @type {number[]} */
  const waits = [];
  relay((key) => {
    const left = full.get(key) ?? 0;
    full.set(key, left - 1);
    return left > 0 ? new Response("{}", { status: 503, headers: { "Retry-After": "8" } }) : new Response(content(key));
  }, waits);
  const files = await load(BASE, () => {});
  assert.deepEqual(Object.keys(files), KEYS);
  assert.equal(waits.length, 4);
  assert.ok(waits.every((wait) => wait >= 8 && wait <= 12));
});

test("nobody waits for ever, nor is driven by what the relay says", async () => {
  for (const told of ["", "soon", "0", "-5", "1e9"]) {
    /** @type {number[]} */
    const waits = [];
    relay(() => new Response("{}", { status: 503, headers: { "Retry-After": told } }), waits);
    await assert.rejects(load(BASE, () => {}), { code: "no_assets" });
    assert.ok(waits.length && waits.every((wait) => wait >= 1 && wait <= 90), told);
  }
});

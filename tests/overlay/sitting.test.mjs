import assert from "node:assert/strict";
import test from "node:test";

const WIDTH = 32, HEIGHT = 24;
globalThis.OffscreenCanvas = class {
  getContext() {
    return {
      drawImage() {},
      getImageData: () => ({ data: new Uint8ClampedArray(4 * WIDTH * HEIGHT), width: WIDTH, height: HEIGHT }),
    };
  }
};
const { Pixels } = await import("../../overlay/reading/frames.js");
const { Sitting } = await import("../../overlay/reading/sitting.js");

const NOBODY = { hasFace: false, probabilities: null, unread: null, box: null, still: false };

/** A camera's frames, of which `open` tells how many were not closed. */
function camera() {
  let open = 0;
  const made = () => {
    open += 1;
    return { width: WIDTH, height: HEIGHT, close: () => { open -= 1; } };
  };
  return { newest: () => Promise.resolve(made()), close() {}, made, get open() { return open; } };
}

/** What looks at frames, and keeps the times at which it did. */
function recogniser() {
  const times = [];
  return { times, look: (_, time) => { times.push(time); return Promise.resolve(NOBODY); } };
}

test("the clock by which faces are followed goes on from one sitting to the next", async (t) => {
  let now = 600_000;
  t.mock.method(performance, "now", () => now);
  const seen = recogniser();
  await new Sitting().look(camera(), seen);
  now += 1000;
  await new Sitting().look(camera(), seen); // after a pause
  assert.deepEqual(seen.times, [600_000, 601_000]);
});

test("a frame that comes after the end of its sitting is closed and looked at by nobody", async () => {
  const film = camera(), seen = recogniser(), sitting = new Sitting();
  let arrive;
  const late = new Promise((resolve) => { arrive = resolve; });
  const look = sitting.look({ newest: () => late, close() {} }, seen);
  sitting.end();
  arrive(film.made());
  assert.equal(await look, null);
  assert.deepEqual(seen.times, []);
  assert.equal(film.open, 0);
});

test("frames are closed, also those that are not worth a look", async (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const film = camera(), seen = recogniser(), sitting = new Sitting();
  for (; now < 10_000; now += 200) await sitting.look(film, seen);
  assert.ok(seen.times.length < 50);
  assert.equal(film.open, 0);
});

test("a frame that the browser can copy is not drawn; all others are: turned, too large, in another format, not to be had", async () => {
  const plain = {
    format: "I420", displayWidth: WIDTH, displayHeight: HEIGHT, visibleRect: { width: WIDTH, height: HEIGHT },
    rotation: 0, flip: false, close() {}, allocationSize: () => 4 * WIDTH * HEIGHT,
    copyTo: (data) => Promise.resolve(void data.fill(7)),
  };
  const first = async (more) => (await new Pixels().of({ ...plain, ...more })).data[0];
  assert.equal(await first({}), 7);
  const others = [
    { rotation: 90 }, { flip: true }, { format: null }, { format: "BGRX" }, { allocationSize: () => 1.5 * WIDTH * HEIGHT },
    { visibleRect: { width: 2 * WIDTH, height: HEIGHT } },
    { displayWidth: 4000, visibleRect: { width: 4000, height: HEIGHT }, allocationSize: () => 4 * 4000 * HEIGHT },
    { copyTo: () => Promise.reject(new DOMException("not mapped", "OperationError")) },
    { allocationSize: () => { throw new DOMException("RGBA", "NotSupportedError"); } },
  ];
  for (const more of others) assert.equal(await first(more), 0, JSON.stringify(more));
});

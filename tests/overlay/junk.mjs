// What a hostile relay may send in place of anything: for tests of what the pages make of it.

const JUNK = [
  null, true, false, 0, -1, 0.5, -7.25, 1e300, -1e300, 8.7e12, 2 ** 53, "", "junk", "NaN", "undefined", "__proto__",
  "constructor", "happy", "<img src=x onerror=alert(1)>", "\u202e\u0000\ud800", [], [[]], [null], ["1"], [-1], {}, { length: 7 },
  { toString: 1 }, { valueOf: null }, { then: 1 }, { name: "happy" }, JSON.parse('{"__proto__": {"visible": true, "length": 7}}'),
];

const KEYS = ["name", "time", "people", "length", "__proto__", "constructor", "toString", ""];

const pick = (random, list) => list[Math.floor(random() * list.length)];

/** Some JSON value, a few levels deep. */
export function junk(random, depth = 2) {
  const roll = random();
  if (!depth || roll < 0.6) return pick(random, JUNK);
  const many = Math.floor(random() * 9);
  if (roll < 0.8) return Array.from({ length: many }, () => junk(random, depth - 1));
  return Object.fromEntries(Array.from({ length: many }, () => [pick(random, KEYS), junk(random, depth - 1)]));
}

/** The places in a JSON value: each a list of keys. */
function places(value, path = []) {
  const inner = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([key, one]) => places(one, [...path, key]))];
}

/** A copy of the value that has junk in one place, or lacks something there. */
export function spoilt(random, value) {
  const path = pick(random, places(value));
  if (!path.length) return junk(random);
  const copy = structuredClone(value);
  const last = path.pop();
  const place = path.reduce((one, key) => one[key], copy);
  if (random() < 0.15) delete place[last];
  else place[last] = junk(random);
  return JSON.parse(JSON.stringify(copy));
}

// overlay/contract.js against docs/protocol.json, from which it must not differ.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CONTRACT, message } from "./examples.mjs";
import "./texts.mjs";
import {
  CHANNEL_PATTERN, EXPRESSIONS, KINDS, TAPS, checked, parse, pictureUrl, retries, sentence,
} from "../../overlay/contract.js";

test("lists and pattern are the contract's", () => {
  assert.deepEqual(EXPRESSIONS, CONTRACT.expressions);
  assert.deepEqual(TAPS, CONTRACT.taps);
  assert.equal(CHANNEL_PATTERN.source, new RegExp(CONTRACT.channel).source);
});

test("every message that a subscriber gets is known, and no other", () => {
  assert.deepEqual([...KINDS].sort(), [...CONTRACT.directions.relay_to_subscriber].sort());
});

for (const kind of KINDS) {
  test(`${kind}: as the contract says it, with and without what may be missing`, () => {
    for (const only of [false, true]) {
      const made = message(kind, { required: only });
      assert.equal(checked(made), made);
      assert.deepEqual(parse(JSON.stringify(made)), made);
      assert.ok(checked({ ...made, later: [1] }), "a newer relay adds fields");
    }
  });

  test(`${kind}: only fields of the contract are asked for`, () => {
    const asked = new Set();
    assert.ok(checked(new Proxy(message(kind), { get: (fields, name) => (asked.add(name), fields[name]) })));
    assert.deepEqual([...asked].filter((name) => !(name in CONTRACT.messages[kind].properties)), []);
  });

  test(`${kind}: something else in a field that is asked for makes it no message`, () => {
    const asked = new Set();
    checked(new Proxy(message(kind), { get: (fields, name) => (asked.add(name), fields[name]) }));
    const { required } = CONTRACT.messages[kind];
    for (const name of asked) {
      for (const wrong of [null, undefined, {}, NaN, Infinity, -Infinity, [], ["1"], [[]], 1e300, -2.5, "junk".repeat(999)]) {
        if (wrong === undefined && !required.includes(name)) continue; // an old relay does not send it
        if (wrong === null && ["emotion", "session"].includes(name)) continue; // none
        if (Array.isArray(wrong) && wrong.length !== 1 && name === "warnings") continue;
        if (wrong?.[0] === "1" && name === "warnings") continue;
        if (wrong === 1e300 && name === "score") continue; // it orders, and is shown nowhere
        assert.equal(checked({ ...message(kind), [name]: wrong }), null, `${name}: ${String(wrong).slice(0, 40)}`);
      }
    }
  });
}

test("numbers are in their range, counts are whole, times are some that a Date can show", () => {
  const wrong = {
    mood: { time: [-1, 8.7e12], viewers: [-1, 0.5], counts: [Array(7).fill(-1), Array(6).fill(0), Array(8).fill(0)],
      shares: [Array(7).fill(1.1), [..."0000000"]], valence: [1.1], resonance: [-0.1, 1.1], trend: [-2.1], crowd: ["people"] },
    reaction: { time: [8.7e12], strength: [-0.1, 1.1], count: [-3, 1.5] },
    moment: { ago: [-1], share: [2], rise: [-0.2] },
    marker: { text: ["a".repeat(401), 7] },
    status: { session: [-1, 1.5, "1"], state: ["live"], warnings: ["one", [1], Array(51).fill("many")] },
    bye: { code: ["4400"], message: ["a".repeat(2001)] },
  };
  for (const [kind, fields] of Object.entries(wrong)) {
    for (const [name, values] of Object.entries(fields)) {
      for (const value of values) assert.equal(checked({ ...message(kind), [name]: value }), null, `${kind}.${name} ${value}`);
    }
  }
  assert.ok(checked({ ...message("reaction"), time: 8.64e12 }));
  assert.equal(new Date(8.64e12 * 1000).toISOString(), "+275760-09-13T00:00:00.000Z");
});

for (const kind of ["reaction", "moment"]) {
  test(`a ${kind} names an expression or a tap`, () => {
    const made = message(kind);
    assert.ok(checked({ ...made, kind: "tap", name: "heart" }));
    assert.equal(checked({ ...made, kind: "tap", name: "happy" }), null);
    assert.equal(checked({ ...made, kind: "expression", name: "heart" }), null);
    for (const wrong of ["thought", "__proto__", ["tap"], null, undefined]) assert.equal(checked({ ...made, kind: wrong }), null);
  });
}

test("what is no message is none", () => {
  for (const text of ["", "{", "[]", "null", "7", '"mood"', "{}", '{"type":"forecast"}', '{"type":["mood"]}']) {
    assert.equal(parse(text), null, text);
  }
  assert.equal(checked({ ...message("marker"), type: ["marker"] }), null);
  assert.equal(checked(Object.assign([], message("marker"))), null);
  assert.equal(parse(`{"__proto__": ${JSON.stringify(message("marker"))}}`), null);
  for (const type of ["constructor", "toString", "__proto__", "hasOwnProperty", 7, null]) {
    assert.equal(checked({ type }), null, String(type));
  }
  assert.equal(checked(undefined), null);
});

test("codes say whether to come back", () => {
  for (const { number, client } of CONTRACT.codes) assert.equal(retries(number), client === "retry", String(number));
  for (const code of [1000, 1001, 1006, 1011, 3999, 4500, 4999]) assert.ok(retries(code));
  for (const code of [4000, 4499]) assert.ok(!retries(code));
});

test("a close without a sentence of the relay is explained, of codes that mean: stop", () => {
  const stops = CONTRACT.codes.filter(({ client }) => client === "stop").map(({ number }) => number);
  const own = stops.filter((code) => !sentence(code).includes(`(code ${code})`));
  assert.deepEqual(own, [4400, 4401, 4404]);
  assert.match(sentence(4499), /4499.*Reload/);
});

test("pictures lie beside the script", () => {
  assert.ok(pictureUrl("happy").endsWith("/overlay/pictures/happy.svg"));
});

// overlay/contract.js against docs/protocol.json, from which it must not differ.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  CHANNEL_PATTERN, EXPRESSIONS, KINDS, TAPS, WORDS, checked, parse, pictureUrl, retries, sentence,
} from "../../overlay/contract.js";

const CONTRACT = JSON.parse(readFileSync(new URL("../../docs/protocol.json", import.meta.url), "utf-8"));

/** A value that a JSON Schema allows, the least there is. */
function example(schema) {
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return example(schema.anyOf[0]);
  if (schema.type === "array") return Array.from({ length: schema.minItems ?? 0 }, () => example(schema.items));
  if (schema.type === "boolean") return true;
  if (schema.type === "string") return "text";
  return schema.minimum ?? 0;
}

function message(kind, { required: only = false } = {}) {
  const { properties, required } = CONTRACT.messages[kind];
  const names = Object.keys(properties).filter((name) => !only || required.includes(name));
  const made = Object.fromEntries(names.map((name) => [name, example(properties[name])]));
  return "kind" in made ? { ...made, kind: "expression", name: "happy" } : made;
}

test("lists and pattern are the contract's", () => {
  assert.deepEqual(EXPRESSIONS, CONTRACT.expressions);
  assert.deepEqual(TAPS, CONTRACT.taps);
  assert.equal(CHANNEL_PATTERN.source, new RegExp(CONTRACT.channel).source);
  assert.deepEqual(Object.keys(WORDS), CONTRACT.expressions);
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

  test(`${kind}: only fields of the contract are asked for, and those that may be missing are not insisted on`, () => {
    const asked = new Set();
    const seen = new Proxy(message(kind), { get: (fields, name) => (asked.add(name), fields[name]) });
    const found = checked(seen);
    const { properties, required } = CONTRACT.messages[kind];
    assert.deepEqual([...asked].filter((name) => !(name in properties)), [], `${kind} has no such fields`);
    assert.deepEqual([...asked].filter((name) => !required.includes(name)), [], "old relays do not send these");
    assert.ok(found);
  });

  test(`${kind}: something else in a field that is asked for makes it no message`, () => {
    const asked = new Set();
    checked(new Proxy(message(kind), { get: (fields, name) => (asked.add(name), fields[name]) }));
    for (const name of asked) {
      for (const wrong of [null, undefined, {}, NaN, Infinity, [], ["1"]]) {
        if (name === "kind") continue; // whatever is no tap is an expression
        if (name === "emotion" && wrong === null) continue; // the streamer shows none
        assert.equal(checked({ ...message(kind), [name]: wrong }), null, `${name}: ${String(wrong)}`);
      }
    }
  });
}

for (const kind of ["reaction", "moment"]) {
  test(`a ${kind} names an expression or a tap`, () => {
    const made = message(kind);
    assert.ok(checked({ ...made, kind: "tap", name: "heart" }));
    assert.equal(checked({ ...made, kind: "tap", name: "happy" }), null);
    assert.equal(checked({ ...made, kind: "expression", name: "heart" }), null);
  });
}

test("what is no message is none", () => {
  for (const text of ["", "{", "[]", "null", "7", '"mood"', "{}", '{"type":"forecast"}', '{"type":["mood"]}']) {
    assert.equal(parse(text), null, text);
  }
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

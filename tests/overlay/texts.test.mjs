// What the pages say, in which language: overlay/texts.js.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import "./texts.mjs";
import { LANGUAGES, choose, isolated, learn, say, speak } from "../../overlay/texts.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}.json`, import.meta.url), "utf-8"));

test("the language is the one wanted, or the first preferred, as in Python", () => {
  for (const { wanted, preferred, chosen } of read("languages")) assert.equal(choose(wanted, preferred), chosen);
});

test("Python's forms for numbers are Unicode's", () => {
  const plurals = read("plurals");
  assert.deepEqual(Object.keys(plurals), LANGUAGES);
  for (const [language, forms] of Object.entries(plurals)) {
    const rules = new Intl.PluralRules(language);
    for (const [count, category] of Object.entries(forms)) assert.equal(rules.select(Number(count)), category, language);
  }
});

test("values are put in, once, and numbers choose the form", () => {
  speak("ru");
  assert.match(say("common.shown_once.viewers", { count: 22, number: 22 }), /22 человека/);
  assert.match(say("common.shown_once.viewers", { count: 12, number: 12 }), /12 человек$/);
  speak("es"); // has a form of its own from a million on, which no text of ours needs
  assert.match(say("common.shown_once.viewers", { count: 1_000_000, number: "1 000 000" }), /1 000 000 personas/);
  speak("en");
  assert.equal(say("common.share", { percent: "{word}", word: "$&" }), "{word} $&");
});

test("what somebody wrote from right to left keeps to itself in a sentence", () => {
  assert.equal(say("session.renamed", { number: 3, name: "\u05e9\u05dc\u05d5\u05dd" }),
    "Session 3 is called “\u2068\u05e9\u05dc\u05d5\u05dd\u2069” now.");
  assert.equal(isolated("Finals"), "Finals");
});

test("what there is no text for is told to who wrote the page", () => {
  learn("test", { here: { en: "x" } });
  assert.equal(say("test.here"), "x");
  assert.throws(() => say("test.nowhere"), /no text test.nowhere in en/);
  assert.throws(() => say("constructor"), /no text/);
});

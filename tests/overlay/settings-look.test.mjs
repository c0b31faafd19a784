// A look, its addresses, what is kept and what is shared: overlay/settings-look.js and overlay/settings-style.js.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { numbers } from "./chance.mjs";
import "./files.mjs";
import "./texts.mjs";
import { TABLE, lengthOf, queryOf, readOptions } from "../../overlay/options.js";
import {
  ROWS, adopted, cleanLook, cleanPresets, isPlain, isSame, overlayAddress, plainLook, presetName, presetsWithoutKey,
  previewAddress, readAddress, renamedPreset, sharedLink, sharedLook, tellsKey, withPreset, withoutKey, withoutPreset,
} from "../../overlay/settings-look.js";
import { PROPERTIES, customCss, joined, parted, styleOf } from "../../overlay/settings-style.js";

const BASE = "https://relay.example.org/mood/";
const CASES = 400;
const PIECES = [
  "a", "Friday run", "&", "=", "#", "?", "+", "%", "%20", "%zz", "\"", "'", "<b>", "\\", "/", " ", ";", "}", "key=", "channel=",
  "relay=", "source=relay", "theme", "light", "1.5", "-1", "1e999", "NaN", "0x2", "🎉", "👩‍👩‍👧‍👦", "é", "e\u0301", "مرحبا", "\u202e", "里", "\0", "\n",
  "__proto__", "constructor", "\ud800", "url(", "@import", "//evil.example",
];

/** Values by chance: `pick` of a list, `text` of pieces that are likely to break something. */
function chance(seed) {
  const next = numbers(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const text = (most = 6) => Array.from({ length: Math.floor(next() * (most + 1)) }, () => pick(PIECES)).join("");
  return { next, pick, text };
}

/** A value that the row allows. */
function allowed(row, { next, pick, text }) {
  if (row.kind === "choice") return pick(Object.keys(row.values));
  if (row.kind === "number") return Number((row.least + next() * (row.most - row.least)).toFixed(2));
  return [...new Intl.Segmenter().segment(text(12).replaceAll("\ud800", ""))].slice(0, row.longest).map((part) => part.segment).join("");
}

function anyStyle(random) {
  const style = {};
  for (const property of PROPERTIES) {
    if (random.next() < 0.6) continue;
    if (property.kind === "colour") style[property.name] = random.pick(["#00e0a0", "#102030cc", "#ffffff00"]);
    else if (property.kind === "font") style[property.name] = random.pick(["Comic Neue", "源ノ角ゴシック", "PT-Sans 2"]);
    else style[property.name] = styleOf(property, String(property.least + random.next() * (property.most - property.least)));
  }
  return style;
}

function anyLook(random) {
  const look = plainLook();
  for (const row of ROWS) if (random.next() < 0.5) look.options[row.name] = allowed(row, random);
  return { options: look.options, style: anyStyle(random) };
}

test("an option's value that is none is told, and whatever the address, nothing is thrown", () => {
  for (let seed = 0; seed < CASES; seed++) {
    const random = chance(seed);
    const names = [...TABLE.map((row) => row.name), "key", "__proto__", "x"];
    const search = `?${Array.from({ length: 5 }, () => `${random.pick(names)}=${random.next() < 0.5 ? random.text() : encodeURIComponent(random.text().toWellFormed())}`).join("&")}`;
    const { options, problems } = readOptions({ search, hash: `#${random.text()}` });
    assert.deepEqual(Object.keys(options).sort(), ["key", ...TABLE.map((row) => row.name)].sort());
    const query = new URLSearchParams(search);
    for (const row of TABLE) {
      const value = options[row.name];
      const text = query.get(row.name) ?? "";
      const told = problems.some((problem) => problem.startsWith(`${row.name}=`) && problem.endsWith("."));
      if (row.kind === "choice") assert.ok(value in row.values);
      if (row.kind === "number") assert.ok(value >= row.least && value <= row.most);
      if (row.kind === "text") assert.ok(lengthOf(value) <= row.longest);
      if (text && String(value) !== text && !(row.kind === "number" && value === Number(text))) assert.ok(told, `${search} ${row.name}`);
      if (told) assert.equal(value, row.default);
    }
  }
});

test("a look comes back from its address as it was", () => {
  for (let seed = 0; seed < CASES; seed++) {
    const random = chance(seed);
    const look = anyLook(random);
    const address = new URL(overlayAddress(BASE, { channel: "demo", key: "a+b/c d#&=é" }, look));
    const { options, problems } = readOptions(address);
    assert.deepEqual(problems, ["No relay: open this page from the relay, or add &relay=https://relay.example.org."]); // this test has none
    for (const row of ROWS) assert.equal(options[row.name], look.options[row.name], address.href);
    assert.deepEqual([options.channel, options.key], ["demo", "a+b/c d#&=é"]);
    for (const { name, default: usual } of TABLE) if (options[name] === usual) assert.ok(!address.searchParams.has(name));
  }
});

test("the key stands in the fragment alone, and a preview has neither key nor channel", () => {
  const address = new URL(overlayAddress(BASE, { channel: "demo", key: "s3cret" }, plainLook()));
  assert.equal(address.href, "https://relay.example.org/mood/overlay?channel=demo#key=s3cret");
  assert.equal(overlayAddress(BASE, { channel: "demo", key: "" }, plainLook()), "https://relay.example.org/mood/overlay?channel=demo");
  const preview = new URL(previewAddress(BASE, plainLook()));
  assert.equal(preview.href, "https://relay.example.org/mood/overlay?source=obs");
});

test("a title may be any text, and its length is what a reader counts", () => {
  const family = "👩‍👩‍👧‍👦";
  for (const title of ["مرحبا بالعالم", "\"quoted\" & 100 % <b>#1</b>", "e\u0301\u0323 里 🎉+", family.repeat(60)]) {
    const { options, problems } = readOptions(new URL(`${BASE}overlay?${queryOf({ source: "demo", title })}`));
    assert.deepEqual([options.title, problems], [title, []]);
  }
  assert.equal(readOptions(new URL(`${BASE}overlay?${queryOf({ source: "demo", title: family.repeat(61) })}`)).problems.length, 1);
});

test("a key that the relay made is known by its form, and names of people's looks and fonts are none", () => {
  const made = "ip5m2CIcL78Asz8JJOoZ05kDp4BvTytL5vrCCsfBZqE"; // secrets.token_urlsafe(32)
  for (const text of [made, `my ${made}!`, `x${made}`, "https://a.example/overlay?channel=demo#key=k", "?KEY=k"]) assert.ok(tellsKey(text, ""), text);
  for (const text of ["", "Friday run", "Source Han Sans KR VF", "W".repeat(60), "-".repeat(60), "x".repeat(60), "Monkey = banana"]) {
    assert.ok(!tellsKey(text, ""), text);
  }
  assert.ok(tellsKey("see k-9_Z", "k-9_Z"));
  const look = { options: { ...plainLook().options, title: made, theme: "light" }, style: { font: made } };
  const presets = [{ name: made, look }, { name: "Mine", look }];
  assert.deepEqual(presetsWithoutKey(presets, ""), [{ name: "Mine", look: cleanLook({ options: { theme: "light" } }) }]);
});

test("whatever was typed, a shared link has no key, channel or relay", () => {
  for (let seed = 0; seed < CASES; seed++) {
    const random = chance(seed);
    const key = random.pick(["s3cretKEY", "k-9_Z", "Comic Neue"]);
    const typed = random.pick([key, `#key=${key}`, `https://relay.example.org/overlay?channel=bigcats#key=${key}`, random.text()]);
    const look = anyLook(random);
    for (const row of ROWS) if (row.kind === "text") look.options[row.name] = typed;
    for (const property of PROPERTIES) if (property.kind === "font" && random.next() < 0.5) look.style[property.name] = styleOf(property, typed) ?? key;
    for (const name of ["key", "channel", "relay", "source"]) look.options[name] = look.style[name] = typed || "x"; // no part of a look
    const link = sharedLink(BASE, withoutKey(look, key));
    const plain = decodeURIComponent(link.replaceAll("+", " "));
    assert.ok(!plain.includes(key), link);
    assert.ok(!plain.includes("bigcats"), link);
    const { origin, pathname, search, hash } = new URL(link);
    assert.equal(origin + pathname + search, `${BASE}settings/`);
    const names = [...new URLSearchParams(hash.slice(1)).keys()];
    const known = [...ROWS.map((row) => row.name), ...PROPERTIES.map(({ name }) => `css-${name}`)];
    assert.deepEqual(names.filter((name) => !known.includes(name)), []);
    for (const name of ["key", "channel", "relay", "source", "title"]) assert.ok(!names.includes(name));
  }
});

test("a shared link gives the same look to somebody else, whose own title stays", () => {
  for (let seed = 0; seed < CASES; seed++) {
    const random = chance(seed);
    const look = anyLook(random);
    const untitled = { ...look, options: { ...look.options, title: "" } };
    const shared = sharedLook(sharedLink(BASE, look));
    if (isPlain(untitled)) {
      assert.equal(shared, null);
      continue;
    }
    assert.ok(shared);
    assert.ok(isSame(shared, untitled));
    const own = { ...plainLook(), options: { ...plainLook().options, title: "Mine" } };
    assert.equal(adopted(shared, own).options.title, "Mine");
    assert.equal(adopted(shared, own).options.layout, look.options.layout);
  }
});

test("of a link only the look is read", () => {
  const hostile = "theme=light&key=theirs&channel=theirs&relay=https://relay.example.org&source=demo&title=rude&css-panel=url(//x)&css-font=a%22;}x&css-radius=99";
  assert.deepEqual(sharedLook(`${BASE}settings/#${hostile}`), { ...plainLook(), options: { ...plainLook().options, theme: "light" } });
  const own = readAddress({ pathname: "/settings/theirs", hash: `#${hostile}` });
  assert.deepEqual([own.channel, own.key], ["", ""]);
  assert.equal(own.look.options.theme, "light");
  assert.deepEqual(readAddress({ pathname: "/mood/settings/demo", hash: "#key=a%2Bb" }), { channel: "demo", key: "a+b", look: null });
  assert.deepEqual(readAddress({ pathname: "/settings/", hash: "" }), { channel: "", key: "", look: null });
  assert.equal(readAddress({ pathname: "/settings/a%20b", hash: "" }).channel, "");
  assert.equal(sharedLook(`${BASE}overlay?channel=demo&scale=2#key=s3cret`).options.scale, 2); // an overlay's address has a look, too
  for (const none of ["", "#", "nonsense", "#key=k", `${BASE}overlay?channel=demo#key=k`, "#theme=dark"]) assert.equal(sharedLook(none), null);
});

test("what was kept is read as a look, whatever it is", () => {
  for (const junk of [null, 1, "x", [], {}, { options: null, style: 3 }, { options: { theme: {}, scale: "1e9" }, style: { panel: ["#000000"] } }]) {
    assert.deepEqual(cleanLook(junk), plainLook());
  }
  const kept = JSON.parse('{"options": {"theme": "comic", "key": "k", "channel": "c", "__proto__": {"layout": "wave"}}, "style": {"panel": "#000000AA", "font": "x\\"}"}}');
  assert.deepEqual(cleanLook(kept), { options: { ...plainLook().options, theme: "comic" }, style: { panel: "#000000aa" } });
  for (let seed = 0; seed < 50; seed++) {
    const look = anyLook(chance(seed));
    assert.deepEqual(cleanLook(JSON.parse(JSON.stringify(look))), look);
  }
});

test("presets are saved, replaced, renamed and deleted by name", () => {
  const [one, two] = [plainLook(), { ...plainLook(), style: { panel: "#000000" } }];
  let presets = withPreset(withPreset([], { name: "A", look: one }), { name: "B", look: two });
  presets = withPreset(presets, { name: "A", look: two });
  assert.deepEqual(presets.map(({ name, look }) => [name, isSame(look, two)]), [["A", true], ["B", true]]);
  presets = renamedPreset(presets, "A", "B"); // which makes room
  assert.deepEqual(presets.map(({ name }) => name), ["B"]);
  assert.deepEqual(withoutPreset(presets, "B"), []);
  assert.deepEqual(cleanPresets([{ name: " x  y ", look: 1 }, { name: "" }, null, "x", { look: {} }]), [{ name: "x y", look: plainLook() }]);
  for (const junk of [null, {}, "x", 3]) assert.deepEqual(cleanPresets(junk), []);
  assert.equal(cleanPresets(Array.from({ length: 99 }, (_, i) => ({ name: `n${i}` }))).length, 50);
  assert.equal(presetName("\n 🎉 \u00a0"), "🎉");
  assert.equal(presetName(3), "");
});

test("Custom CSS has nothing in it that a browser would load, or that ends a declaration", () => {
  for (let seed = 0; seed < CASES; seed++) {
    const random = chance(seed);
    const style = {};
    for (const property of PROPERTIES) {
      const value = styleOf(property, random.next() < 0.3 ? "#00e0a0" : random.text());
      if (value !== undefined) style[property.name] = value;
    }
    const css = customCss(style);
    assert.doesNotMatch(css, /url|@|\/\/|\\|<|import/i);
    assert.equal(css === "", Object.keys(style).length === 0);
    for (const line of css.split("\n").slice(1, -2)) {
      assert.match(line, /^ {2}--moodcast-[a-z-]+: (?:#[0-9a-f]{6,8}|[\d.]+em|"[\p{L}\p{M}\p{N} _-]+", sans-serif);$/u);
    }
  }
  assert.equal(customCss({ panel: "#3c005acc", radius: "0.5" }), ":root {\n  --moodcast-panel: #3c005acc;\n  --moodcast-radius: 0.5em;\n}\n");
  assert.equal(customCss({ unknown: "#000000" }), "");
});

test("a colour's two parts are the colour again", () => {
  for (let opacity = 0; opacity <= 100; opacity++) {
    const colour = joined("#102030", opacity);
    assert.equal(styleOf({ kind: "colour" }, colour), colour);
    assert.deepEqual(parted(colour), { colour: "#102030", opacity });
  }
});

test("a length begins as the overlay's sheets have it", () => {
  const sheets = ["mood.css", "themes.css"].map((name) => readFileSync(new URL(`../../overlay/${name}`, import.meta.url), "utf8")).join("");
  for (const { name, usual } of PROPERTIES.filter(({ kind }) => kind === "length")) {
    const found = sheets.match(new RegExp(`--moodcast-${name}(?:: |, )([\\d.]+)em`));
    assert.equal(usual, Number(found?.[1]), name);
  }
});

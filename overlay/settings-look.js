// A look: the overlay's options that say how it looks, and the custom properties that were changed. Pure: where a look is
// read from (what this browser keeps, a link that somebody sent), whatever is no part of a look is left out.

import { CHANNEL_PATTERN } from "./contract.js";
import { TABLE, queryOf, valueOf } from "./options.js";
import { PROPERTIES, styleOf } from "./settings-style.js";

/** @import { Row } from "./options.js" */

/**
 * `options`: the value of each. `style`: the value of those properties alone that were changed.
 * @typedef {{ options: Record<string, string | number>, style: Record<string, string> }} Look
 */

/** @typedef {{ name: string, look: Look }} Preset */

/** The rows of a look. */
export const ROWS = TABLE.filter((row) => row.look);
const MOST_PRESETS = 50;
const LONGEST_NAME = 40;
const STYLE = "css-"; // before a property's name in a shared link

/** @returns {Look} with nothing changed */
export const plainLook = () => ({ options: Object.fromEntries(ROWS.map((row) => [row.name, row.default])), style: {} });

/**
 * The look in something that may be anything.
 *
 * @param {(name: string) => unknown} option what was given for an option
 * @param {(name: string) => unknown} property what was given for a custom property
 * @returns {Look}
 */
function lookOf(option, property) {
  const look = plainLook();
  for (const row of ROWS) {
    const given = option(row.name);
    if (typeof given !== "string" && typeof given !== "number") continue;
    const text = String(given);
    look.options[row.name] = (text && valueOf(row, text)) ?? row.default;
  }
  for (const row of PROPERTIES) {
    const value = styleOf(row, property(row.name));
    if (value !== undefined) look.style[row.name] = value;
  }
  return look;
}

/**
 * @param {unknown} given
 * @param {string} name
 * @returns {unknown} undefined where it has none
 */
const field = (given, name) =>
  typeof given === "object" && given !== null && Object.hasOwn(given, name) ? Reflect.get(given, name) : undefined;

/**
 * A look as it was kept.
 *
 * @param {unknown} given
 */
export const cleanLook = (given) =>
  lookOf((name) => field(field(given, "options"), name), (name) => field(field(given, "style"), name));

/**
 * The options that differ from their default.
 *
 * @param {Look} look
 */
export const changedRows = ({ options }) => ROWS.filter(({ name, default: usual }) => options[name] !== usual);

/** @param {Look} look */
export const isPlain = (look) => changedRows(look).length === 0 && Object.keys(look.style).length === 0;

/**
 * @param {Look} one
 * @param {Look} other
 */
export const isSame = (one, other) =>
  ROWS.every(({ name }) => one.options[name] === other.options[name]) &&
  PROPERTIES.every(({ name }) => one.style[name] === other.style[name]);

// --- addresses ------------------------------------------------------------------------------------------------------

/**
 * The address of OBS's browser source, with what it takes to subscribe: the key stands in the fragment.
 *
 * @param {string} base of the relay's addresses
 * @param {{ channel: string, key: string }} who
 * @param {Look} look
 */
export function overlayAddress(base, { channel, key }, { options }) {
  const address = new URL("overlay", base);
  address.search = queryOf({ ...options, channel });
  address.hash = key && new URLSearchParams({ key }).toString();
  return address.href;
}

/**
 * The address of a preview, which is fed by the page around it: no channel, and no key.
 *
 * @param {string} base of the relay's addresses
 * @param {Look} look
 */
export function previewAddress(base, { options }) {
  const address = new URL("overlay", base);
  address.search = queryOf({ ...options, source: "obs" });
  return address.href;
}

/** As the relay makes keys: 43 signs, with small and capital letters. No title, font or channel is written like that. */
const LIKE_A_KEY = /(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43}/;

/**
 * Whether a text has a key in it: the channel's, or what looks like one while that is not known.
 *
 * @param {string} text
 * @param {string} key the channel's, or empty
 */
export const tellsKey = (text, key) =>
  /[?#&]key=/i.test(text) || LIKE_A_KEY.test(text) || (key !== "" && text.includes(key));

/**
 * The look without what was typed into the wrong field: a key is shown nowhere, and kept and shared by nobody.
 *
 * @param {Look} look
 * @param {string} key the channel's, or empty
 * @returns {Look}
 */
export function withoutKey(look, key) {
  /** @param {string | number} value */
  const tells = (value) => tellsKey(String(value), key);
  const texts = ROWS.filter((row) => row.kind === "text" && tells(look.options[row.name]));
  const fonts = PROPERTIES.filter(({ name, kind }) => kind === "font" && tells(look.style[name] ?? ""));
  if (texts.length + fonts.length === 0) return look;
  return cleanLook({
    options: { ...look.options, ...Object.fromEntries(texts.map((row) => [row.name, row.default])) },
    style: { ...look.style, ...Object.fromEntries(fonts.map(({ name }) => [name, undefined])) },
  });
}

/**
 * A link that gives others this look, and nothing of whose it is: texts (a title) are left out.
 *
 * @param {string} base of the relay's addresses
 * @param {Look} look
 */
export function sharedLink(base, look) {
  const parts = new URLSearchParams();
  for (const { name } of changedRows(look).filter(isShared)) parts.set(name, String(look.options[name]));
  for (const { name } of PROPERTIES) {
    if (name in look.style) parts.set(STYLE + name, look.style[name]);
  }
  const address = new URL("settings/", base);
  address.hash = parts.toString();
  return address.href;
}

/** @param {Row} row */
const isShared = ({ kind }) => kind === "choice" || kind === "number";

/**
 * The look in a shared link, or in the address of an overlay; null where there is none. Of the rest of it (a key, a
 * channel, a relay, a source, a text) nothing is read.
 *
 * @param {string} text the link, or its fragment
 * @returns {Look | null}
 */
export function sharedLook(text) {
  const [before, fragment = ""] = text.trim().split(/#(.*)/s);
  const parts = [fragment, before.split(/\?(.*)/s)[1] ?? ""].map((part) => new URLSearchParams(part));
  /** @param {string} name */
  const given = (name) => parts.map((part) => part.get(name)).find((value) => value !== null);
  const look = lookOf(
    (name) => (ROWS.some((row) => row.name === name && isShared(row)) ? given(name) : undefined),
    (name) => given(STYLE + name),
  );
  return isPlain(look) ? null : look;
}

/**
 * Another's look for this streamer, whose own texts stay.
 *
 * @param {Look} shared
 * @param {Look} own
 * @returns {Look}
 */
export const adopted = (shared, own) => ({
  options: { ...shared.options, ...Object.fromEntries(ROWS.filter((row) => !isShared(row)).map(({ name }) => [name, own.options[name]])) },
  style: shared.style,
});

/**
 * What the page's own address says. With a look in its fragment it is a link that somebody sent: channel and key would
 * be theirs, and are not taken.
 *
 * @param {{ pathname: string, hash: string }} location
 * @returns {{ channel: string, key: string, look: Look | null }}
 */
export function readAddress({ pathname, hash }) {
  const look = sharedLook(hash);
  if (look) return { channel: "", key: "", look };
  const name = pathname.slice(pathname.lastIndexOf("/") + 1);
  return { channel: CHANNEL_PATTERN.test(name) ? name : "", key: new URLSearchParams(hash.slice(1)).get("key") ?? "", look };
}

// --- presets --------------------------------------------------------------------------------------------------------

/**
 * @param {unknown} given what this browser kept
 * @returns {Preset[]}
 */
export function cleanPresets(given) {
  /** @type {Preset[]} */
  let presets = [];
  for (const entry of Array.isArray(given) ? given : []) {
    const name = presetName(field(entry, "name"));
    if (name) presets = withPreset(presets, { name, look: cleanLook(field(entry, "look")) });
  }
  return presets;
}

/**
 * A preset's name without what can't be seen at its ends; empty where it is none.
 *
 * @param {unknown} given
 */
export const presetName = (given) =>
  typeof given === "string" ? [...given.replace(/\s+/gu, " ").trim()].slice(0, LONGEST_NAME).join("").trim() : "";

/**
 * With one more, or with another look under the same name; the oldest make room.
 *
 * @param {readonly Preset[]} presets
 * @param {Preset} preset
 */
export function withPreset(presets, preset) {
  const known = presets.some(({ name }) => name === preset.name);
  return (known ? presets.map((old) => (old.name === preset.name ? preset : old)) : [...presets, preset]).slice(-MOST_PRESETS);
}

/**
 * Without a key that was typed into them before it was known as one.
 *
 * @param {readonly Preset[]} presets
 * @param {string} key the channel's, or empty
 */
export const presetsWithoutKey = (presets, key) =>
  presets.filter(({ name }) => !tellsKey(name, key)).map(({ name, look }) => ({ name, look: withoutKey(look, key) }));

/**
 * @param {readonly Preset[]} presets
 * @param {string} name
 */
export const withoutPreset = (presets, name) => presets.filter((preset) => preset.name !== name);

/**
 * Under another name; one that had it before makes room.
 *
 * @param {readonly Preset[]} presets
 * @param {string} name
 * @param {string} other
 */
export const renamedPreset = (presets, name, other) =>
  (name === other ? presets : withoutPreset(presets, other)).map((preset) => (preset.name === name ? { ...preset, name: other } : preset));

// A page's options, from its address: everything in the query but the key, which stays in the fragment.

import { BASE, CHANNEL_PATTERN } from "./contract.js";
import { say } from "./texts.js";

/**
 * @typedef {object} Options
 * @property {"relay" | "obs" | "demo"} source of the messages
 * @property {"bar" | "vertical" | "compact" | "corner" | "wave" | "reactions"} layout
 * @property {"bottom" | "top" | "bottom-left" | "bottom-right" | "top-left" | "top-right"} position
 * @property {"dark" | "light" | "contrast" | "minimal" | "comic"} theme
 * @property {"auto" | "en" | "zh-TW" | "zh-CN" | "vi" | "ru" | "ja" | "es" | "de" | "fr"} language
 * @property {"on" | "off"} bar
 * @property {"on" | "off"} reactions
 * @property {"on" | "off"} moments
 * @property {"on" | "off"} streamer
 * @property {"on" | "off"} coverage
 * @property {"on" | "off"} trend
 * @property {"full" | "low"} motion
 * @property {"on" | "off"} note
 * @property {number} scale 0.5 to 3
 * @property {string} title
 * @property {string} relay its address; empty where it is not known
 * @property {string} channel empty where it is not known
 * @property {string} key the display key; empty where it is not known
 */

/**
 * A row of options.json, which docs/overlay.md and the OBS script have as well. `look`: the script offers it.
 * @typedef {{ name: keyof Options, label: string, help: string, look?: boolean } & (
 *   { kind: "choice", default: string, values: Record<string, string> } |
 *   { kind: "number", default: number, least: number, most: number, step: number } |
 *   { kind: "text", default: string, longest: number } |
 *   { kind: "address", default: string, usual: string } |
 *   { kind: "channel", default: string }
 * )} Row
 */

/** @type {readonly Row[]} */
export const TABLE = await (await fetch(new URL("options.json", import.meta.url))).json();

/** @param {string} text */
function isAddress(text) {
  try {
    return ["http:", "https:", "ws:", "wss:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

const segmenter = new Intl.Segmenter();

/**
 * How many signs a reader sees: an emoji of several code points is one, and so is a letter with its marks.
 *
 * @param {string} text
 */
export const lengthOf = (text) => [...segmenter.segment(text)].length;

/**
 * An option's value, undefined where its text is none.
 *
 * @param {Row} row
 * @param {string} text
 * @returns {string | number | undefined}
 */
export function valueOf(row, text) {
  switch (row.kind) {
    case "choice":
      return Object.keys(row.values).find((value) => value === text);
    case "number": {
      const value = Number(text);
      return value >= row.least && value <= row.most ? value : undefined;
    }
    case "text":
      return lengthOf(text) <= row.longest ? text : undefined;
    case "address":
      return isAddress(text) ? text : undefined;
    case "channel":
      return CHANNEL_PATTERN.test(text) ? text : undefined;
  }
}

/**
 * What an option's value can be, in words.
 *
 * @param {Row} row
 */
function expected(row) {
  switch (row.kind) {
    case "choice":
      return Object.keys(row.values).join(` ${say("common.address.or")} `);
    case "number":
      return say("common.address.number", { least: row.least, most: row.most });
    case "text":
      return say("common.address.text", { longest: row.longest });
    case "address":
      return say("common.address.address", { example: "https://relay.example.org" });
    case "channel":
      return say("common.address.channel");
  }
}

const KEY_PART = "#key=DISPLAY_KEY"; // of an address, as an example

/** Where the page came from: the relay, where no other is named. */
const HOME = BASE.protocol.startsWith("http") ? BASE.href : "";

/**
 * Read a page's address. What is wrong with it is told in the page's language: its texts are loaded before.
 *
 * @param {{search: string, hash: string}} location
 * @returns {{options: Options, problems: string[]}} every option with its value or default, and a sentence for each
 *   that was wrong
 */
export function readOptions({ search, hash }) {
  const query = new URLSearchParams(search);
  /** @type {string[]} */
  const problems = [];
  const values = TABLE.map((row) => {
    const { name } = row;
    const text = query.get(name) ?? "";
    if (!text) return [name, name === "relay" ? HOME : row.default];
    const value = valueOf(row, text);
    if (value === undefined) {
      problems.push(say("common.address.expected", { name, text: [...text].slice(0, 40).join(""), expected: expected(row) }));
    }
    return [name, value ?? row.default]; // of a wrong relay none: a key goes to no other than the one meant
  });
  const key = new URLSearchParams(hash.slice(1)).get("key") ?? "";
  const options = /** @type {Options} */ ({ key, ...Object.fromEntries(values) });
  if (query.has("key")) {
    problems.push(say("common.address.key_in_query", { example: KEY_PART }));
  }
  if (options.source === "relay") {
    if (!options.channel && !query.get("channel")) {
      problems.push(say("common.address.no_channel", { example: `/overlay?channel=NAME${KEY_PART}` }));
    } else if (!options.key && !query.has("key")) {
      problems.push(say("common.address.no_key", { example: KEY_PART }));
    }
    if (!options.relay && !query.get("relay")) {
      problems.push(say("common.address.no_relay", { example: "&relay=https://relay.example.org" }));
    }
  }
  return { options, problems };
}

/**
 * The query of an address with these options, without those that have their default.
 *
 * @param {Readonly<Record<string, string | number>>} values by the options' names
 */
export function queryOf(values) {
  const query = new URLSearchParams();
  for (const { name, default: usual } of TABLE) {
    if (name in values && values[name] !== usual) query.set(name, String(values[name]));
  }
  return query.toString();
}

/**
 * Whether the options suffice to subscribe by oneself.
 *
 * @param {Options} options
 */
export const canSubscribe = ({ channel, key, relay }) => Boolean(channel && key && relay);

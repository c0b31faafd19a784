// A page's options, from its address: everything in the query but the key, which stays in the fragment.

import { BASE, CHANNEL_PATTERN } from "./contract.js";

/**
 * @typedef {object} Options
 * @property {"relay" | "obs" | "demo"} source of the messages
 * @property {"bottom" | "top"} position
 * @property {"on" | "off"} bar
 * @property {"on" | "off"} reactions
 * @property {"on" | "off"} moments
 * @property {"on" | "off"} streamer
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

/** @type {Row[]} */
const TABLE = await (await fetch(new URL("options.json", import.meta.url))).json();

/** @param {string} text */
function isAddress(text) {
  try {
    return ["http:", "https:", "ws:", "wss:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/**
 * An option's value, undefined where its text is none of those expected, and what was expected.
 *
 * @param {Row} row
 * @param {string} text
 * @returns {[string | number | undefined, string]}
 */
function read(row, text) {
  switch (row.kind) {
    case "choice": {
      const values = Object.keys(row.values);
      return [values.find((value) => value === text), values.join(" or ")];
    }
    case "number": {
      const value = Number(text);
      return [value >= row.least && value <= row.most ? value : undefined, `a number from ${row.least} to ${row.most}`];
    }
    case "text":
      return [text.length <= row.longest ? text : undefined, `at most ${row.longest} characters`];
    case "address":
      return [isAddress(text) ? text : undefined, "an address as in https://relay.example.org"];
    case "channel":
      return [CHANNEL_PATTERN.test(text) ? text : undefined, "1 to 64 letters, digits, - or _"];
  }
}

/** Where the page came from: the relay, where no other is named. */
const HOME = BASE.protocol.startsWith("http") ? BASE.href : "";

/**
 * Read a page's address.
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
    const [value, expected] = read(row, text);
    if (value === undefined) problems.push(`${name}=${text.slice(0, 40)}: expected ${expected}.`);
    return [name, value ?? row.default]; // of a wrong relay none: a key goes to no other than the one meant
  });
  const key = new URLSearchParams(hash.slice(1)).get("key") ?? "";
  const options = /** @type {Options} */ ({ key, ...Object.fromEntries(values) });
  if (query.has("key")) {
    problems.push("The key stands in the address's query, where servers log it: put it behind a # instead, as #key=...");
  }
  if (options.source === "relay") {
    if (!options.channel && !query.get("channel")) {
      problems.push("No channel: expected an address as in /overlay?channel=NAME#key=DISPLAY_KEY.");
    } else if (!options.key && !query.has("key")) {
      problems.push("No display key: expected #key=DISPLAY_KEY at the end of the address.");
    }
    if (!options.relay && !query.get("relay")) {
      problems.push("No relay: open this page from the relay, or add &relay=https://...");
    }
  }
  return { options, problems };
}

/**
 * Whether the options suffice to subscribe by oneself.
 *
 * @param {Options} options
 */
export const canSubscribe = ({ channel, key, relay }) => Boolean(channel && key && relay);

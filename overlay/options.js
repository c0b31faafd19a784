// A page's options, from its address: everything in the query but the key, which stays in the fragment.

import { BASE, CHANNEL_PATTERN } from "./contract.js";

/**
 * @typedef {object} Options
 * @property {"relay" | "obs" | "demo"} source of the messages
 * @property {"bottom" | "top"} position
 * @property {"on" | "off"} bar
 * @property {"on" | "off"} reactions
 * @property {number} scale 0.5 to 3
 * @property {string} title
 * @property {string} relay its address; empty where it is not known
 * @property {string} channel empty where it is not known
 * @property {string} key the display key; empty where it is not known
 */

/**
 * How an option is read: undefined where its text is none of those expected.
 * @template Value
 * @typedef {{ read: (text: string) => Value | undefined, expected: string, fallback: Value }} Reading
 */

const LONGEST_TITLE = 60;

/**
 * @template {string} Value
 * @param {[Value, ...Value[]]} values the first is the default
 * @returns {Reading<Value>}
 */
const oneOf = (...values) => ({
  read: (text) => values.find((value) => value === text),
  expected: values.join(" or "),
  fallback: values[0],
});

/** @param {string} text */
function isAddress(text) {
  try {
    return ["http:", "https:", "ws:", "wss:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** @type {{ [Name in Exclude<keyof Options, "key">]: Reading<Options[Name]> }} */
const OPTIONS = {
  source: oneOf("relay", "obs", "demo"),
  position: oneOf("bottom", "top"),
  bar: oneOf("on", "off"),
  reactions: oneOf("on", "off"),
  scale: {
    read: (text) => (Number(text) >= 0.5 && Number(text) <= 3 ? Number(text) : undefined),
    expected: "a number from 0.5 to 3",
    fallback: 1,
  },
  title: {
    read: (text) => (text.length <= LONGEST_TITLE ? text : undefined),
    expected: `at most ${LONGEST_TITLE} characters`,
    fallback: "",
  },
  relay: {
    read: (text) => (isAddress(text) ? text : undefined),
    expected: "an address as in https://relay.example.org",
    fallback: BASE.protocol.startsWith("http") ? BASE.href : "",
  },
  channel: {
    read: (text) => (CHANNEL_PATTERN.test(text) ? text : undefined),
    expected: "1 to 64 letters, digits, - or _",
    fallback: "",
  },
};

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
  const read = Object.entries(OPTIONS).map(([name, option]) => {
    const text = query.get(name) ?? "";
    const value = text ? option.read(text) : option.fallback;
    if (value === undefined) problems.push(`${name}=${text.slice(0, 40)}: expected ${option.expected}.`);
    return [name, value ?? (name === "relay" ? "" : option.fallback)]; // a key goes to no other relay than the one meant
  });
  const key = new URLSearchParams(hash.slice(1)).get("key") ?? "";
  const options = /** @type {Options} */ ({ key, ...Object.fromEntries(read) });
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

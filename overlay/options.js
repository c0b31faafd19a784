// A page's options, from its address: everything in the query but the key, which stays in the fragment.

import { BASE, CHANNEL_PATTERN } from "./contract.js";

const LONGEST_TITLE = 60;

const oneOf = (...values) => ({
  read: (text) => (values.includes(text) ? text : undefined),
  expected: values.join(" or "),
  fallback: values[0],
});

function isAddress(text) {
  try {
    return ["http:", "https:", "ws:", "wss:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

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
 * @returns {{options: object, problems: string[]}} every option with its value or default, and a sentence for each
 *   that was wrong
 */
export function readOptions({ search, hash }) {
  const query = new URLSearchParams(search);
  const options = { key: new URLSearchParams(hash.slice(1)).get("key") ?? "" };
  const problems = [];
  for (const [name, { read, expected, fallback }] of Object.entries(OPTIONS)) {
    const text = query.get(name) ?? "";
    const value = text ? read(text) : fallback;
    if (value === undefined) problems.push(`${name}=${text.slice(0, 40)}: expected ${expected}.`);
    options[name] = value ?? (name === "relay" ? "" : fallback); // a key goes to no other relay than the one meant
  }
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

/** Whether the options suffice to subscribe by oneself. */
export const canSubscribe = ({ channel, key, relay }) => Boolean(channel && key && relay);

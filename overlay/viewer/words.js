// What the page's state says, in the language of who reads it.

import { say } from "../texts.js";

/** @import { Words } from "./state.js" */

/**
 * @param {Words} words
 * @returns {string}
 */
export function spell(words) {
  if ("text" in words) return words.text;
  const values = Object.entries(words.values ?? {}).map(([name, value]) =>
    [name, typeof value === "object" ? spell(value) : value]);
  return say(words.key, Object.fromEntries(values));
}

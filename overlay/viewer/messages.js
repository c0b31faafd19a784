// What the relay says to a viewer, checked: what a page can't use is no message. relay/protocol.py is the original.

import { isBetween, isBoolean, isCount, isListOf, isObject, isOneOf, isOrNull, isText, isTime, mayBe } from "../checks.js";
import { EXPRESSIONS, checked } from "../contract.js";
import { PROTOCOL } from "../reading/constants.js";

/** @import { RelayToViewer } from "../protocol.d.ts" */

const CROWDS = ["networks", "viewers"];
const LONGEST_NAME = 256;
const LONGEST_HEARTBEAT_S = 3600;

/** @param {any} value */
const isPerson = (value) =>
  isObject(value) && isText(value.name, LONGEST_NAME) &&
  isOrNull(value.emotion, (name) => isOneOf(name, EXPRESSIONS));

/**
 * Those that only viewers hear, and one of which they use more.
 * @type {{ [type: string]: (message: { [field: string]: unknown }) => boolean }}
 */
const CHECKS = {
  welcome: (m) =>
    isText(m.channel) && isCount(m.min_viewers) && mayBe(m.crowd, (value) => isOneOf(value, CROWDS)) &&
    mayBe(m.heartbeat_s, (value) => isBetween(value, 0, LONGEST_HEARTBEAT_S)) && mayBe(m.grid, isBoolean) &&
    mayBe(m.granted, isTime) && mayBe(m.cameras, isBoolean),
  people: (m) => isListOf(m.people, isPerson, PROTOCOL.MOST_PEOPLE) && mayBe(m.more, isCount),
  bye: (m) => checked(m) !== null && mayBe(m.retry_after_s, (wait) => isBetween(wait, -Number.MAX_VALUE, Number.MAX_VALUE)),
  delay: (m) => isCount(m.seconds) && isBetween(m.seconds, 0, PROTOCOL.MAX_DELAY_S),
};

/** The kinds of messages that a viewer's page knows. */
export const KINDS = [...Object.keys(CHECKS), "mood", "countdown", "error"];

/**
 * A message that a viewer's page can use, else null. Unknown types are ignored: a newer relay may send them.
 *
 * @param {unknown} text of a frame
 * @returns {RelayToViewer | null}
 */
export function read(text) {
  let message;
  try {
    message = JSON.parse(String(text));
  } catch {
    return null;
  }
  if (!isObject(message) || !isOneOf(message.type, KINDS)) return null;
  const check = Object.hasOwn(CHECKS, message.type) ? CHECKS[message.type] : checked;
  return check(message) ? message : null;
}

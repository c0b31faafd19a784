// The wire contract as the pages need it. relay/protocol.py is the original; tests/overlay compares the two.

import {
  areSentences, isBetween, isBoolean, isCount, isListOf, isObject, isOneOf, isOrNull, isShare, isText, isTime, mayBe,
} from "./checks.js";
import { say } from "./texts.js";

/** @import { Expression, Moment as AnyMoment, Reaction as AnyReaction, Rehearsal as AnyRehearsal, RelayToSubscriber, Tap } from "./protocol.d.ts" */

/** @typedef {{ kind: "expression", name: Expression } | { kind: "tap", name: Tap }} Named */

/**
 * Checked: `name` is one that there is.
 * @typedef {AnyReaction & Named} Reaction
 */

/**
 * Checked: `name` is one that there is.
 * @typedef {AnyMoment & Named} Moment
 */

/**
 * Checked: `name` is one that there is.
 * @typedef {AnyRehearsal & Named} Rehearsal
 */

/**
 * What `checked` lets through.
 * @typedef {Exclude<RelayToSubscriber, AnyReaction | AnyMoment | AnyRehearsal> | Reaction | Moment | Rehearsal} Message
 */

/** @type {readonly Expression[]} */
export const EXPRESSIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
/** @type {readonly Tap[]} */
export const TAPS = ["heart", "laugh", "clap", "wow", "cry"];
export const CHANNEL_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** The addresses the pages use, from where this file lies: BASE/static/contract.js. */
export const BASE = new URL("..", import.meta.url);

/** @param {string} name of an expression or tap */
export const pictureUrl = (name) => new URL(`pictures/${name}.svg`, import.meta.url).href;

/**
 * Close codes 4000 to 4499 say: stop, coming back can't help. All others, and a broken connection, say: retry.
 *
 * @param {number} code
 */
export const retries = (code) => !(code >= 4000 && code <= 4499);

const EXPLAINED = [4400, 4401, 4404];

/**
 * What to tell the user for a close code that says: stop, when the relay sent no sentence of its own.
 *
 * @param {number} code
 */
export const sentence = (code) =>
  say(EXPLAINED.includes(code) ? `common.line.closed.${code}` : "common.line.closed.other", { code });

const CROWDS = ["networks", "viewers"];
const STATES = ["auto", "open", "paused", "ended"];
const LONGEST_MARKER = 400; // 200 characters, of which one may be two here
const LONGEST_WAIT_S = 1e6; // of a countdown, a delay, a moment: beyond is nothing that a page could use

/** @param {unknown} list @param {(value: unknown) => boolean} isOne */
const isSeven = (list, isOne) => isListOf(list, isOne, EXPRESSIONS.length) && /** @type {unknown[]} */ (list).length === EXPRESSIONS.length;
/** @param {...unknown} values */
const areTimes = (...values) => values.every(isTime);
/** @param {...unknown} values */
const areCounts = (...values) => values.every(isCount);
/** @param {...unknown} values */
const areShares = (...values) => values.every(isShare);
/** @param {{ kind?: unknown, name?: unknown }} message */
export const isNamed = ({ kind, name }) => isOneOf(name, kind === "tap" ? TAPS : kind === "expression" ? EXPRESSIONS : []);

/**
 * A message as it came: any of its fields may be missing, or something else.
 * @template {RelayToSubscriber} Kind
 * @typedef {{ [Field in keyof Kind]?: unknown }} Unchecked
 */

/**
 * Each field that a page uses has a value that it can show. What may be missing is right where it is there.
 * @type {{ [Kind in RelayToSubscriber as Kind["type"]]: (message: Unchecked<Kind>) => boolean }}
 */
const CHECKS = {
  mood: (m) =>
    isBoolean(m.visible) && areTimes(m.time) && areCounts(m.viewers, m.sharing, m.min_viewers) &&
    isSeven(m.counts, isCount) && isSeven(m.shares, isShare) && isShare(m.resonance) &&
    isBetween(m.valence, -1.001, 1.001) && isBetween(m.trend, -2.001, 2.001) &&
    mayBe(m.crowd, (value) => isOneOf(value, CROWDS)) && mayBe(m.paused, isBoolean) && mayBe(m.grid, isBoolean) &&
    mayBe(m.cameras, isBoolean),
  reaction: (m) => isNamed(m) && areTimes(m.time) && areShares(m.strength) && areCounts(m.count),
  moment: (m) =>
    isNamed(m) && areTimes(m.time) && areShares(m.share, m.rise) && isBetween(m.ago, 0, LONGEST_WAIT_S) &&
    isBetween(m.score, 0, Number.MAX_VALUE),
  rehearsal: (m) => isNamed(m) && areTimes(m.time),
  marker: (m) => areTimes(m.time) && isText(m.text, LONGEST_MARKER),
  countdown: (m) => areTimes(m.time, m.zero) && areCounts(m.seconds),
  face: (m) =>
    isOrNull(m.emotion, (value) => isOneOf(value, EXPRESSIONS)) && areTimes(m.time) && isBetween(m.delay, 0, LONGEST_WAIT_S),
  status: (m) =>
    isText(m.channel) && mayBe(m.session, (value) => isOrNull(value, isCount)) &&
    mayBe(m.state, (value) => isOneOf(value, STATES)) && mayBe(m.warnings, areSentences),
  bye: (m) => areCounts(m.code) && isText(m.message),
  error: (m) => areCounts(m.code) && isText(m.message),
};

/** The kinds of messages that a page knows. */
export const KINDS = Object.keys(CHECKS);

/**
 * A message of the contract that a page can use, else null. Unknown types are ignored: a newer relay may send them.
 *
 * @param {unknown} message
 * @returns {Message | null}
 */
export function checked(message) {
  if (!isObject(message)) return null;
  const { type } = /** @type {Message} */ (message);
  // Of a text alone: a list of one text would pass for it as a name, and be no type that a page knows.
  const known = typeof type === "string" && Object.hasOwn(CHECKS, type);
  return known && CHECKS[type](/** @type {any} */ (message)) ? /** @type {Message} */ (message) : null;
}

/**
 * As `checked`, from the text of a frame.
 *
 * @param {string} text
 */
export function parse(text) {
  try {
    return checked(JSON.parse(text));
  } catch {
    return null;
  }
}

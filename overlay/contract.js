// The wire contract as the pages need it. relay/protocol.py is the original; tests/overlay compares the two.

/** @import { Expression, Moment as AnyMoment, Reaction as AnyReaction, RelayToSubscriber, Tap } from "./protocol.d.ts" */

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
 * What `checked` lets through.
 * @typedef {Exclude<RelayToSubscriber, AnyReaction | AnyMoment> | Reaction | Moment} Message
 */

/** @type {readonly Expression[]} */
export const EXPRESSIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
/** @type {readonly Tap[]} */
export const TAPS = ["heart", "laugh", "clap", "wow", "cry"];
export const CHANNEL_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * How a person says that somebody shows an expression: "62 % happy".
 * @type {Readonly<Record<Expression, string>>}
 */
export const WORDS = {
  angry: "angry",
  disgust: "disgusted",
  fear: "afraid",
  happy: "happy",
  sad: "sad",
  surprise: "surprised",
  neutral: "neutral",
};

/**
 * What viewers did who tapped: "62 % laughed".
 * @type {Readonly<Record<Tap, string>>}
 */
export const DEEDS = { heart: "sent hearts", laugh: "laughed", clap: "clapped", wow: "said wow", cry: "cried" };

/**
 * What to tell the user for a close code, when the relay sent no sentence of its own.
 * @type {Readonly<Record<number, string>>}
 */
const SENTENCES = {
  4400: "The relay did not understand this page. Reload it; if that does not help, page and relay differ in version.",
  4401: "The display key does not open this channel. Copy the page's address anew from where the channel was made.",
  4404: "There is no such channel on this relay. Check the channel's name in the page's address.",
};

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

/** @param {number} code of a close that says: stop */
export const sentence = (code) =>
  SENTENCES[code] ?? `The relay ended the connection for good (code ${code}). Reload the page to try again.`;

/** @param {unknown} list */
const isSeven = (list) => Array.isArray(list) && list.length === EXPRESSIONS.length && list.every(Number.isFinite);
/** @param {unknown[]} values */
const areNumbers = (...values) => values.every(Number.isFinite);
/** @param {{ kind?: unknown, name?: unknown }} message */
const isNamed = ({ kind, name }) =>
  /** @type {readonly unknown[]} */ (kind === "tap" ? TAPS : EXPRESSIONS).includes(name);

/**
 * A message as it came: any of its fields may be missing, or something else.
 * @template {RelayToSubscriber} Kind
 * @typedef {{ [Field in keyof Kind]?: unknown }} Unchecked
 */

/** @type {{ [Kind in RelayToSubscriber as Kind["type"]]: (message: Unchecked<Kind>) => boolean }} */
const CHECKS = {
  mood: (m) =>
    typeof m.visible === "boolean" && isSeven(m.counts) && isSeven(m.shares) &&
    areNumbers(m.time, m.viewers, m.sharing, m.min_viewers, m.valence, m.resonance, m.trend),
  reaction: (m) => isNamed(m) && areNumbers(m.time, m.strength, m.count),
  moment: (m) => isNamed(m) && areNumbers(m.time, m.ago, m.share, m.rise, m.score),
  marker: (m) => areNumbers(m.time) && typeof m.text === "string",
  countdown: (m) => areNumbers(m.time, m.seconds, m.zero),
  face: (m) =>
    (m.emotion === null || /** @type {readonly unknown[]} */ (EXPRESSIONS).includes(m.emotion)) &&
    areNumbers(m.time, m.delay),
  status: (m) => typeof m.channel === "string",
  bye: (m) => areNumbers(m.code) && typeof m.message === "string",
  error: (m) => areNumbers(m.code) && typeof m.message === "string",
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
  if (typeof message !== "object" || message === null) return null;
  const { type } = /** @type {Message} */ (message);
  return Object.hasOwn(CHECKS, type) && CHECKS[type](message) ? /** @type {Message} */ (message) : null;
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

/**
 * The colour of each expression.
 *
 * @returns {Promise<Record<Expression, string>>}
 */
export const palette = async () => (await fetch(new URL("palette.json", import.meta.url))).json();

/** Colours as CSS variables, in front of all other styles so that a streamer's own CSS wins. */
export async function applyPalette() {
  const style = document.createElement("style");
  style.textContent = `:root{${Object.entries(await palette())
    .map(([name, colour]) => `--moodcast-${name}:${colour}`)
    .join(";")}}`;
  document.head.prepend(style);
}

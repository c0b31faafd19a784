// The wire contract as the pages need it. relay/protocol.py is the original; tests/overlay compares the two.

export const EXPRESSIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
export const TAPS = ["heart", "laugh", "clap", "wow", "cry"];
export const CHANNEL_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

// How a person says that somebody shows an expression: "62 % happy".
export const WORDS = {
  angry: "angry",
  disgust: "disgusted",
  fear: "afraid",
  happy: "happy",
  sad: "sad",
  surprise: "surprised",
  neutral: "neutral",
};

// What to tell the user for a close code, when the relay sent no sentence of its own.
const SENTENCES = {
  4400: "The relay did not understand this page. Reload it; if that does not help, page and relay differ in version.",
  4401: "The display key does not open this channel. Copy the page's address anew from where the channel was made.",
  4404: "There is no such channel on this relay. Check the channel's name in the page's address.",
};

/** The addresses the pages use, from where this file lies: BASE/static/contract.js. */
export const BASE = new URL("..", import.meta.url);

export const pictureUrl = (name) => new URL(`pictures/${name}.svg`, import.meta.url).href;

/** Close codes 4000 to 4499 say: stop, coming back can't help. All others, and a broken connection, say: retry. */
export const retries = (code) => !(code >= 4000 && code <= 4499);

export const sentence = (code) =>
  SENTENCES[code] ?? `The relay ended the connection for good (code ${code}). Reload the page to try again.`;

const isSeven = (list) => Array.isArray(list) && list.length === EXPRESSIONS.length && list.every(Number.isFinite);
const areNumbers = (...values) => values.every(Number.isFinite);

const CHECKS = {
  mood: (m) =>
    typeof m.visible === "boolean" && isSeven(m.counts) && isSeven(m.shares) &&
    areNumbers(m.time, m.viewers, m.sharing, m.min_viewers, m.valence, m.resonance, m.trend),
  reaction: (m) =>
    (m.kind === "tap" ? TAPS : EXPRESSIONS).includes(m.name) && areNumbers(m.time, m.strength, m.count),
  marker: (m) => areNumbers(m.time) && typeof m.text === "string",
  countdown: (m) => areNumbers(m.time, m.seconds, m.zero),
  status: (m) => typeof m.channel === "string",
  bye: (m) => areNumbers(m.code) && typeof m.message === "string",
  error: (m) => areNumbers(m.code) && typeof m.message === "string",
};

/** A message of the contract that a page can use, else null. Unknown types are ignored: a newer relay may send them. */
export const checked = (message) => (message && CHECKS[message.type]?.(message) ? message : null);

/** As `checked`, from the text of a frame. */
export function parse(text) {
  try {
    return checked(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The colour of each expression. */
export const palette = async () => (await fetch(new URL("palette.json", import.meta.url))).json();

/** Colours as CSS variables, in front of all other styles so that a streamer's own CSS wins. */
export async function applyPalette() {
  const style = document.createElement("style");
  style.textContent = `:root{${Object.entries(await palette())
    .map(([name, colour]) => `--moodcast-${name}:${colour}`)
    .join(";")}}`;
  document.head.prepend(style);
}

// What the page of a visitor shows, and why: plain values in and out. A `Words` is a text of texts/join.json and what goes
// into its gaps; the views say it in the visitor's language. agent/window/shown.py has the same for the agent's window.

import { EXPRESSIONS } from "../contract.js";
import { spoken } from "../texts.js";

/** @import { Expression, Mood } from "../protocol.d.ts" */

/**
 * A sentence to say: its key and values, each of which may be words as well; or what a relay says, as it came.
 * @typedef {{ key: string, values?: Record<string, string | number | Words> } | { text: string }} Words
 */

/** @typedef {"face" | "taps" | "paused"} Wish what the visitor wants to share: label and taps, taps alone, nothing */
/** @typedef {"off" | "joining" | "joined" | "lost" | "refused"} Link to the relay */
/** @typedef {"off" | "starting" | "on" | "dark" | "gone"} CameraState dark: it is open and gives no picture now */
/** @typedef {"off" | "loading" | "ready"} ReaderState of what reads faces here */
/** @typedef {"good" | "calm" | "wait" | "bad"} Tone shared; not, as wished; soon again by itself; somebody must act */
/** @typedef {"loading" | "asking" | "password" | "refused" | "consent" | "live" | "ended"} ScreenName */

/**
 * What the relay promises before anybody has joined: the answer to who asks for a ticket.
 * @typedef {Omit<import("./client.js").Ticket, "ticket">} Promised
 */

/**
 * What reads faces here, as `GET v1/assets` tells of it.
 * @typedef {{ state: string, advice: string, raw: number, transfer: number }} Assets
 */

/**
 * What the browser can do.
 * @typedef {{ secure: boolean, camera: boolean, wasm: boolean, phone: boolean }} Browser
 */

/** @typedef {[left: number, top: number, right: number, bottom: number]} Box of a face, each 0 to 1 of the picture */
/** @typedef {{ expression: Expression, confidence: number }} Reading */
/** @typedef {{ time: number, text: string }} Said to the relay, to the letter; time in milliseconds */
/** @typedef {{ name: string, emotion: Expression | null }} Person */

/**
 * All of it at one moment.
 *
 * @typedef {object} State
 * @property {ScreenName} screen
 * @property {string} relay its address
 * @property {string} channel
 * @property {Browser} browser
 * @property {Promised | null} promise
 * @property {Assets | null} assets null while nothing is known of them
 * @property {Words | null} problem why the relay refused, was not reached, or ended it
 * @property {boolean} lowered whether the relay promises less than the visitor had agreed to
 * @property {boolean} guessed whether a password was given, and is not it
 * @property {boolean} mayOpen whether the visitor has agreed to the camera, in this visit
 * @property {Wish} wish
 * @property {Wish} resumed what going on after a pause shares
 * @property {Link} link
 * @property {Words | null} notice what the relay has objected to last, or why there are only taps now
 * @property {CameraState} camera
 * @property {Words | null} cameraProblem
 * @property {ReaderState} reader
 * @property {{ here: number, size: number }} loaded bytes of what reads faces
 * @property {Box | null} box
 * @property {Reading | null} reading what the newest frames show, smoothed
 * @property {string} unread why a face that is there can't be read; empty where it can
 * @property {string} hint what would help; empty while all is well
 * @property {Said[]} sent the newest, oldest first
 * @property {number} labels sent since the page was opened
 * @property {Mood | null} mood
 * @property {number | null} countdown until when (milliseconds of `performance.now`) its zero may be tapped
 * @property {number | null} measured seconds that the tap at this countdown's zero has measured
 * @property {string} name that the visitor is shown by; empty where no relay was told one
 * @property {boolean} shown whether the visitor is in the grid
 * @property {boolean} looking whether the grid is open here
 * @property {Person[]} people
 * @property {number} more beyond these
 */

export const MOST_SAID = 200;

/**
 * @param {{ relay: string, channel: string, browser: Browser }} place
 * @returns {State}
 */
export const fresh = ({ relay, channel, browser }) => ({
  screen: "loading", relay, channel, browser, promise: null, assets: null, problem: null, lowered: false, guessed: false,
  mayOpen: false, wish: "paused", resumed: "face", link: "off", notice: null, camera: "off", cameraProblem: null,
  reader: "off", loaded: { here: 0, size: 0 }, box: null, reading: null, unread: "", hint: "", sent: [], labels: 0,
  mood: null, countdown: null, measured: null, name: "", shown: false, looking: false, people: [], more: 0,
});

// --- before consent ----------------------------------------------------------------------------------------------

/**
 * Why the camera can't be had here, for good or for now; null where it can.
 *
 * @param {State} state
 * @returns {Words | null}
 */
export function obstacle({ promise, assets, browser, mood }) {
  if (promise?.cameras === false || mood?.cameras === false) return { key: "join.obstacle.forbidden" };
  if (!browser.secure) return { key: "join.obstacle.insecure" };
  if (!browser.camera || !browser.wasm) return { key: "join.obstacle.old" };
  if (assets?.state === "ready") return null;
  if (assets?.state === "missing") return { key: "join.obstacle.missing", values: { advice: assets.advice } };
  return { key: "join.obstacle.preparing" };
}

/**
 * Who gets to see what is shared, as agent/window/agreement.py says it.
 *
 * @param {{ relay: string, promise: Promised | null }} state
 * @returns {Words[]}
 */
export function whoSees({ relay, promise }) {
  const operator = { key: "join.who.operator", values: { relay: hostOf(relay) } };
  if (!promise) return [operator];
  const { min_viewers: least, crowd, via, cameras } = promise;
  const said = via ? [operator, { key: "join.who.via", values: { via } }] : [operator];
  if (!cameras) {
    const key = least === 1 ? "join.who.taps_single" : crowd === "networks" ? "join.who.taps_networks" : "join.who.taps_people";
    return [...said, { key, values: { count: least, number: least } }];
  }
  if (least === 1) return [...said, { key: "join.who.single" }];
  const counted = crowd === "networks" ? "join.who.networks" : "join.who.people";
  const together = { key: counted, values: { count: least, number: least } };
  const besides = crowd !== "networks" ? [{ key: "join.who.connections", values: { others: least - 1 } }]
    : least === 2 ? [{ key: "join.who.two" }] : [];
  return [...said, together, ...besides];
}

/**
 * What the camera costs the first time: how much comes over the line.
 *
 * @param {Assets | null} assets
 * @returns {Words | null}
 */
export const download = (assets) =>
  assets?.state === "ready" ? { key: "join.size", values: { megabytes: megabytes(assets.transfer) } } : null;

const ONE_PLACE = { minimumFractionDigits: 1, maximumFractionDigits: 1 };

/** @param {number} bytes */
export const megabytes = (bytes) => (bytes / 1e6).toLocaleString(spoken(), ONE_PLACE);

/** @param {string} relay its address; without what all of them begin with */
export const hostOf = (relay) => relay.replace(/^https:\/\//, "");

// --- while it goes on --------------------------------------------------------------------------------------------

/**
 * The label that the relay has of this visitor, by what it was told last.
 *
 * @param {Said[]} sent
 * @returns {Reading | null}
 */
export function shared(sent) {
  for (let at = sent.length - 1; at >= 0; at--) {
    if (!sent[at].text.startsWith("{")) continue; // a request
    const message = JSON.parse(sent[at].text);
    if (message.type === "label") return { expression: message.emotion, confidence: message.confidence ?? 1 };
    if (message.type === "away" || message.type === "hello") return null;
  }
  return null;
}

/** @typedef {{ headline: Words, details: Words[], tone: Tone, face: Expression | null }} Status */

/** @param {string} key @param {Record<string, string | number | Words>} [values] @returns {Words} */
const words = (key, values) => ({ key, values });

/**
 * The line that must always be true: what leaves this device now.
 *
 * @param {State} state
 * @returns {Status}
 */
export function status(state) {
  const notice = state.notice ? [state.notice] : [];
  /**
   * @param {Tone} tone
   * @param {Words} headline
   * @param {...Words} details
   * @returns {Status}
   */
  const told = (tone, headline, ...details) => ({ headline, details: [...details, ...notice], tone, face: null });
  if (state.wish === "paused") return told("calm", words("join.live.paused"), words("join.live.paused_more"));
  if (state.link === "lost") {
    return told("wait", words("join.live.lost"), words("join.live.lost_more"), ...(state.problem ? [state.problem] : []));
  }
  if (state.link !== "joined") return told("wait", words("join.live.connecting"));
  if (state.mood?.paused) return told("calm", words("join.live.streamer_paused"), words("join.live.streamer_paused_more"));
  if (state.wish === "taps") return told("calm", words("join.live.taps"), words("join.live.taps_more"));
  if (state.camera === "gone") return told("bad", words("join.live.no_camera"), ...(state.cameraProblem ? [state.cameraProblem] : []));
  if (state.camera === "dark") return told("wait", words("join.live.dark"), words("join.live.dark_more"));
  if (state.camera !== "on") return told("wait", words("join.live.camera_starting"), words("join.live.camera_starting_more"));
  if (state.reader !== "ready") return told("wait", words("join.live.preparing"), ...loading(state));
  return seen(state, notice);
}

/**
 * @param {State} state with camera and relay at work
 * @param {Words[]} notice
 * @returns {Status}
 */
function seen(state, notice) {
  const hint = [...(state.hint ? [words(`join.hint.${state.hint}`)] : []), ...notice];
  const label = shared(state.sent);
  if (label) {
    const values = { label: words(`join.label.${label.expression}`), percent: Math.round(100 * label.confidence) };
    const details = state.hint ? hint : [words("join.live.sharing_more"), ...hint];
    return { headline: words("join.live.sharing", values), details, tone: "good", face: label.expression };
  }
  const details = state.hint ? hint : [words("join.live.away_more"), ...hint];
  if (state.unread) {
    const why = words(`join.unread.${state.unread}`);
    return { headline: words("join.live.away", { why }), details, tone: "wait", face: null };
  }
  if (state.reading) return { headline: words("join.live.looking"), details: hint, tone: "wait", face: null };
  return { headline: words("join.live.no_face"), details, tone: "wait", face: null };
}

/**
 * How far the download is; nothing once it is there, or came out of the browser's own keeping at once.
 *
 * @param {State} state
 * @returns {Words[]}
 */
export function loading({ reader, loaded: { here, size } }) {
  if (reader !== "loading" || !size) return [];
  return [words("join.loading", { here: megabytes(here), size: megabytes(size) })];
}

/**
 * What stands in the place of the visitor's own picture; null while there is one.
 *
 * @param {State} state
 * @returns {Words | null}
 */
export function inPlaceOfPicture({ wish, camera }) {
  if (camera === "on" || camera === "dark") return null;
  if (wish === "face") return words(camera === "gone" ? "join.no_picture.gone" : "join.no_picture.starting");
  return words(`join.no_picture.${wish}`);
}

/**
 * What stands beside the face in the picture.
 *
 * @param {State} state
 * @returns {Words | null}
 */
export function besideFace({ reading }) {
  if (!reading) return null;
  const { expression, confidence } = reading;
  return words("join.live.beside", { label: words(`join.label.${expression}`), percent: Math.round(100 * confidence) });
}

/**
 * Whether a reaction would reach the others now.
 *
 * @param {State} state
 */
export const mayTap = ({ link, wish, mood }) => link === "joined" && wish !== "paused" && !mood?.paused;

/** @typedef {"pause" | "resume"} Main what the large button does */

/** @param {State} state @returns {Main} */
export const mainAction = ({ wish }) => (wish === "paused" ? "resume" : "pause");

/**
 * Whether the button that turns the camera on or off shows, and which of both it does.
 *
 * @param {State} state
 * @returns {"camera" | "taps" | "retry" | null}
 */
export function cameraAction(state) {
  if (state.wish === "paused") return null;
  if (state.wish === "face") return state.camera === "gone" ? "retry" : "taps";
  return obstacle(state) ? null : "camera";
}

/**
 * What there is to do about the streamer's countdown.
 *
 * @param {State} state
 * @param {number} now milliseconds of `performance.now`
 * @returns {"nothing" | "open" | "measured"}
 */
export function calibration({ countdown, measured, link }, now) {
  if (countdown === null || link !== "joined" || now > countdown) return "nothing";
  return measured === null ? "open" : "measured";
}

/** @typedef {{ counts: Words | null, shares: number[] | null, ranking: { expression: Expression, share: number }[] }} Audience */

/**
 * How many watch and what they show. Where no shares are, `hiddenWords` of the pages says why.
 *
 * @param {Mood | null} mood
 * @returns {Audience}
 */
export function audience(mood) {
  if (!mood) return { counts: null, shares: null, ranking: [] };
  const { viewers, sharing, shares } = mood;
  if (mood.paused || !mood.visible) return { counts: words("join.audience.watching", { viewers }), shares: null, ranking: [] };
  const ranking = EXPRESSIONS.map((expression, index) => ({ expression, share: shares[index] }))
    .filter(({ share }) => share > 0).sort((a, b) => b.share - a.share).slice(0, 3);
  return { counts: words("join.audience.sharing", { viewers, sharing }), shares, ranking };
}

/**
 * Whether the streamer allows the grid.
 *
 * @param {State} state
 */
export const gridAllowed = ({ mood, promise }) => mood?.grid ?? promise?.grid ?? false;

/**
 * Why the visitor can't be shown in the grid; null where they can.
 *
 * @param {State} state
 * @returns {Words | null}
 */
export function whyNotShown(state) {
  if (state.shown) return null;
  if (state.link !== "joined") return words("join.people.unjoined");
  return gridAllowed(state) ? null : words("join.people.forbidden");
}

const LONGEST_NAME = 40;

/**
 * A name to be shown by, as the agent takes it; null for what is none.
 *
 * @param {string} typed
 */
export function nameOf(typed) {
  const name = typed.trim();
  const fits = [...name].length <= LONGEST_NAME && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name);
  return name && fits ? name : null;
}

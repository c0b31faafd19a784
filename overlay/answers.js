// What the relay answers to a request of the dashboard, looked at where it comes in: no other file meets junk.

import {
  LATEST_S, areSentences, isBetween, isBoolean, isCount, isListOf, isObject, isOrNull, isShare, isText, isTime, mayBe,
} from "./checks.js";
import { EXPRESSIONS, isNamed } from "./contract.js";
import { Refused } from "./requests.js";

/** @import { Invited } from "./invite.js" */
/** @import { Rotated } from "./keys.js" */
/** @import { Measured } from "./controls.js" */
/** @import { OnGrid, Opening } from "./people.js" */
/** @import { History } from "./history.js" */
/** @import { Listed } from "./session.js" */
/** @import { Peak } from "./session/chapters.js" */

/**
 * Whether an answer is what was asked for.
 * @template Answer
 * @typedef {(answer: any) => answer is Answer} Check
 */

const MOST = 1e6; // seconds, reactions or markers of a session
const MOST_SESSIONS = 1e5;
const MOST_NAMES = 1000;
const LONGEST_SESSION_S = 400 * 86_400;
const LONGEST_CODE = 1e6; // of a QR code's SVG

/** @param {any} session */
const isSession = (session) =>
  isObject(session) && isCount(session.number) && isOrNull(session.name, isText) && isTime(session.started) &&
  isOrNull(session.ended, isTime);
/** @param {any} counts */
const isCounts = (counts) => isListOf(counts, isCount, EXPRESSIONS.length) && counts.length === EXPRESSIONS.length;
/** @param {any} moment */
const isMoment = (moment) =>
  isObject(moment) && isCounts(moment.counts) && isCount(moment.viewers) && isCount(moment.sharing) &&
  isBetween(moment.valence, -1.001, 1.001) && isShare(moment.resonance);
/** @param {any} reaction */
const isReaction = (reaction) =>
  isObject(reaction) && isNamed(reaction) && isShare(reaction.strength) && isCount(reaction.count);
/** @param {any} marker */
const isMarker = (marker) => isObject(marker) && isText(marker.text);

/**
 * Whether something can have happened in the session. It keeps a chart from years of empty time.
 *
 * @param {{ started: number }} session
 * @param {unknown} time
 */
export const isDuring = ({ started }, time) =>
  isBetween(time, Math.max(0, started - LONGEST_SESSION_S), Math.min(LATEST_S, started + LONGEST_SESSION_S));

/**
 * Things that happened in one session, one after the other.
 *
 * @param {any} list
 * @param {{ started: number }} session
 * @param {(value: any) => boolean} is
 */
function areOf(list, session, is) {
  let before = -Infinity;
  return isListOf(list, (one) => {
    if (!is(one) || !isDuring(session, one.time) || one.time < before) return false;
    before = one.time;
    return true;
  }, MOST);
}

/** @type {Check<{ sessions: Listed[] }>} */
export const isSessions = (answer) =>
  isObject(answer) && isListOf(answer.sessions, (one) => isSession(one) && isBetween(one.seconds, 0, MOST), MOST_SESSIONS);

/** @type {Check<History>} */
export const isHistory = (answer) =>
  isObject(answer) && isSession(answer.session) && areOf(answer.moments, answer.session, isMoment) &&
  areOf(answer.reactions, answer.session, isReaction) && areOf(answer.markers, answer.session, isMarker);

/** @type {Check<{ peaks: Peak[] }>} */
export const isPeaks = (answer) =>
  isObject(answer) &&
  isListOf(answer.peaks, (peak) => isObject(peak) && isNamed(peak) && isTime(peak.time) && isShare(peak.share) &&
    isShare(peak.strength) && isBetween(peak.score, 0, MOST), MOST);

/** @type {Check<Measured>} */
export const isMeasured = (answer) =>
  isObject(answer) && isOrNull(answer.zero, isTime) && isBetween(answer.open_s, 0, 86_400) && isCount(answer.answers) &&
  isOrNull(answer.median, (median) => isBetween(median, 0, 86_400)) && isCount(answer.min_viewers) &&
  mayBe(answer.crowd, isText);

/** @type {Check<Opening>} */
export const isOpening = (answer) =>
  isObject(answer) && isBoolean(answer.listed) && isBoolean(answer.grid) && isBoolean(answer.cameras) &&
  isText(answer.notice);

/** @type {Check<OnGrid>} */
export const isOnGrid = (answer) =>
  isObject(answer) && isListOf(answer.people, isText, MOST_NAMES) && isCount(answer.more) &&
  isListOf(answer.hidden, isText, MOST_NAMES);

/** @type {Check<Invited>} */
export const isInvited = (answer) =>
  isObject(answer) && areSentences([answer.link, answer.note]) && isText(answer.svg, LONGEST_CODE) &&
  isBoolean(answer.password);

/** @type {Check<Rotated>} */
export const isRotated = (answer) =>
  isObject(answer) && mayBe(answer.display_key, isText) && mayBe(answer.admin_key, isText);

/**
 * An answer's JSON.
 *
 * @template Answer
 * @param {Response} response
 * @param {Check<Answer>} is
 * @returns {Promise<Answer>} rejected with a sentence where it is something else
 */
export async function read(response, is) {
  const answer = await response.json().catch(() => undefined);
  if (is(answer)) return answer;
  throw new Refused("The relay's answer makes no sense to this page. Reload it; if that does not help, they differ in version.", 0);
}

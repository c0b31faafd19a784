// The flash guard: whatever the relay sends, and however fast, no part of the page turns light and dark again more than
// three times a second (WCAG 2.3.1), which can harm people with photosensitive epilepsy. The relay paces what it sends;
// this holds where that one is broken or hostile. Pure: time is passed in, in milliseconds, by a clock that never jumps.

import { canFollow } from "./countdown.js";
import { leader } from "./figures.js";

/** @import { Message } from "./contract.js" */

const LARGE = 0.1; // of the bar: so much of it changes its colour
const REST_MS = 1000; // what was hidden stays so for this long

/** At most so many in a time. */
export class Limit {
  /** @type {number[]} */
  #times = [];

  /**
   * @param {number} most
   * @param {number} within milliseconds
   */
  constructor(most, within) {
    this.most = most;
    this.within = within;
  }

  /** @param {number} now milliseconds until one more may be; 0 if it may be now */
  wait(now) {
    while (this.#times.length && this.#times[0] <= now - this.within) this.#times.shift();
    return this.#times.length < this.most ? 0 : this.#times[0] + this.within - now;
  }

  /** @param {number} now one more is */
  count(now) {
    this.#times.push(now);
    if (this.#times.length > this.most) this.#times.shift();
  }
}

/**
 * Messages that change the same part of the page: those after the first few wait, the newest in place of all before.
 * @typedef {{ limit: Limit, shown: Message | null, waiting: Message | null, since: number, closedUntil: number }} Lane
 */

/** @param {Limit} limit @returns {Lane} */
const newLane = (limit) => ({ limit, shown: null, waiting: null, since: 0, closedUntil: -Infinity });

export class FlashGuard {
  #panel = newLane(new Limit(2, 1000));
  #face = newLane(new Limit(2, 1000));
  #moment = newLane(new Limit(1, 2000));
  #countdown = newLane(new Limit(2, 2000));
  /** @type {Record<string, Lane>} */
  #lanes = { mood: this.#panel, bye: this.#panel, face: this.#face, moment: this.#moment, countdown: this.#countdown };

  /**
   * @param {Message} message that has come
   * @param {number} now
   * @returns {Message[]} what to show now
   */
  take(message, now) {
    const lane = this.#lanes[message.type];
    if (!lane) return [message]; // reactions pace themselves
    if (message.type === "countdown" && !canFollow(message.zero - message.time)) return [];
    if (hides(lane.shown, message)) {
      this.#moment.waiting = null;
      lane.closedUntil = now + REST_MS;
    } else if (isLarge(lane.shown, message) && wait(lane, message, now) > 0) {
      lane.waiting = message;
      lane.since = now;
      return [];
    }
    return [passed(lane, message, now)];
  }

  /**
   * @param {number} now
   * @returns {Message[]} what has waited long enough
   */
  release(now) {
    return this.#waiting().filter(([lane, message]) => wait(lane, message, now) <= 0).map(([lane, message]) => {
      const late = (now - lane.since) / 1000;
      return passed(lane, message.type === "countdown" ? { ...message, time: message.time + late } : message, now);
    });
  }

  /** @param {number} now milliseconds until something that waits is to be released; Infinity where nothing waits */
  due(now) {
    return Math.min(...this.#waiting().map(([lane, message]) => wait(lane, message, now)));
  }

  /** @returns {[Lane, Message][]} */
  #waiting() {
    return [this.#panel, this.#face, this.#moment, this.#countdown]
      .flatMap((lane) => (lane.waiting ? [/** @type {[Lane, Message]} */ ([lane, lane.waiting])] : []));
  }
}

/**
 * What shows messages through a guard of its own.
 *
 * @param {(message: Message) => void} show
 * @returns {(message: Message) => void} takes each message when it comes
 */
export function guarded(show) {
  const guard = new FlashGuard();
  let timer = 0;
  const release = () => {
    guard.release(performance.now()).forEach(show);
    plan();
  };
  const plan = () => {
    clearTimeout(timer);
    const due = guard.due(performance.now());
    if (due < Infinity) timer = setTimeout(release, Math.ceil(Math.max(0, due)));
  };
  return (message) => {
    guard.take(message, performance.now()).forEach(show);
    plan();
  };
}

/**
 * @param {Lane} lane
 * @param {Message} message
 * @param {number} now
 */
function wait({ limit, closedUntil }, message, now) {
  const closed = message.type === "mood" && message.visible ? closedUntil - now : 0;
  return Math.max(closed, limit.wait(now));
}

/**
 * @param {Lane} lane
 * @param {Message} message
 * @param {number} now
 */
function passed(lane, message, now) {
  if (isLarge(lane.shown, message)) lane.limit.count(now);
  lane.shown = message;
  lane.waiting = null;
  return message;
}

/**
 * Whether the audience is hidden with it, which never waits.
 *
 * @param {Message | null} before
 * @param {Message} message
 */
const hides = (before, message) =>
  message.type === "mood" && !message.visible && before?.type === "mood" && before.visible;

/**
 * Whether much of the page changes with it.
 *
 * @param {Message | null} before what is shown in its place
 * @param {Message} message
 */
function isLarge(before, message) {
  if (message.type === "mood" && before?.type === "mood") {
    if (!message.visible || !before.visible) return message.visible !== before.visible;
    const apart = message.shares.reduce((sum, share, index) => sum + Math.abs(share - before.shares[index]), 0) / 2;
    return apart >= LARGE || leader(message.shares) !== leader(before.shares);
  }
  if (message.type === "face" && before?.type === "face") return message.emotion !== before.emotion;
  return message.type !== "bye" || before?.type !== "bye";
}

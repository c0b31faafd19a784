// A viewer's connection in the browser: a thin shell of fetch and WebSocket around visit.js.

import { isCount, isObject, isOneOf, isText } from "../checks.js";
import { PROTOCOL } from "../reading/constants.js";
import { Refused } from "../requests.js";
import { Visit, question } from "./visit.js";

/** @import { Tap } from "../protocol.d.ts" */
/** @import { Promised } from "./consent.js" */
/** @import { Reading } from "./sending.js" */
/** @import { Declined, Hooks } from "./visit.js" */

/**
 * What a relay says to who asks for a ticket, and so before anybody agrees: it joins nothing.
 * @typedef {object} Ticket
 * @property {string} ticket
 * @property {number} min_viewers
 * @property {"networks" | "viewers"} crowd
 * @property {boolean} grid
 * @property {boolean} cameras
 * @property {string} notice the streamer's own words, or none
 * @property {string} via the firm that can read what the viewer sends, since its tunnel carries it, or none
 */

/** @typedef {{ base: URL, channel: string }} Place */

const NOTHING = () => {};
const LONGEST_NOTICE = 2 * PROTOCOL.MOST_NOTICE; // characters, of which one may be two here

/** @param {Place} place */
const address = ({ base, channel }, part = "") => new URL(`v1/channels/${encodeURIComponent(channel)}${part}`, base);

/** @param {any} answer @returns {Ticket | null} */
function ticketOf(answer) {
  if (!isObject(answer) || !isText(answer.ticket) || !isCount(answer.min_viewers)) return null;
  return {
    ticket: answer.ticket,
    min_viewers: answer.min_viewers,
    crowd: isOneOf(answer.crowd, ["networks"]) ? answer.crowd : "viewers",
    grid: answer.grid === true,
    cameras: answer.cameras !== false,
    notice: isText(answer.notice, LONGEST_NOTICE) ? answer.notice : "",
    via: isText(answer.via, PROTOCOL.MOST_VIA) ? answer.via : "",
  };
}

/**
 * @param {Place} place
 * @param {string} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<Ticket | Declined & { name: string, status: number }>}
 */
async function askForTicket(place, body, signal) {
  let response, answer;
  try {
    response = await fetch(address(place, "/tickets"), {
      method: "POST", headers: { "Content-Type": "application/json" }, body,
      cache: "no-store", credentials: "omit", redirect: "error", signal,
    });
    answer = await response.json().catch(() => null);
  } catch {
    return { code: 0, name: "no_answer", message: "", wait: 0, status: 0 };
  }
  const { status } = response;
  const ticket = response.ok ? ticketOf(answer) : null;
  if (ticket) return ticket;
  const error = isObject(answer) && isObject(answer.error) ? answer.error : {};
  const said = isCount(error.code) && isText(error.name) && isText(error.message);
  if (!said) return { code: 0, name: "no_answer", message: "", wait: 0, status };
  return { code: error.code, name: error.name, message: error.message, wait: Number(response.headers.get("Retry-After")) || 0, status };
}

/** One viewer's client. It sends, comes back, and counts the time only while `tick` is called. */
export class ViewerClient {
  /** @type {AbortController | null} */
  #asking = null;
  /** @type {WebSocket | null} */
  #socket = null;
  #visit;

  /**
   * @param {object} settings
   * @param {URL} settings.base of the relay's addresses
   * @param {string} settings.channel
   * @param {string} settings.password empty for none
   * @param {string} settings.name empty for none
   * @param {number} settings.delay in seconds
   * @param {Promised & { cameras?: boolean }} settings.agreed what `ask` told when the viewer was asked
   * @param {Partial<Hooks>} settings.hooks
   */
  constructor({ base, channel, password, name, delay, agreed, hooks }) {
    this.place = { base, channel };
    const all = {
      onState: NOTHING, onWelcome: NOTHING, onMood: NOTHING, onPeople: NOTHING, onSaid: NOTHING, onCountdown: NOTHING,
      onDelay: NOTHING, onCameras: NOTHING, onShown: NOTHING, onNote: NOTHING, ...hooks,
    };
    this.#visit = new Visit({ password, name, delay, agreed }, this.#line(), all);
  }

  /**
   * What a channel promises, for who has not agreed yet.
   *
   * @param {Place & { password: string, onSaid?: (text: string) => void }} where
   * @returns {Promise<Ticket>} else Refused
   */
  static async ask({ base, channel, password, onSaid = NOTHING }) {
    onSaid(question(address({ base, channel }).pathname, password));
    const answer = await askForTicket({ base, channel }, JSON.stringify(password ? { password } : {}));
    if ("ticket" in answer) return answer;
    throw new Refused(answer.message, answer.status, answer.name);
  }

  join() {
    window.addEventListener("pagehide", this.#leave);
    this.#visit.join(now());
  }

  leave() {
    window.removeEventListener("pagehide", this.#leave);
    this.#visit.leave();
  }

  #leave = () => this.leave();

  /** @param {Reading | null} reading null while nobody is there, or the viewer pauses */
  observe(reading) {
    this.#visit.observe(now(), reading);
  }

  /** @param {Tap} kind @returns {boolean} whether it is sent */
  tap(kind) {
    return this.#visit.tap(now(), kind);
  }

  /** The viewer sees the countdown reach 0. */
  tapZero() {
    this.#visit.tapZero(now());
  }

  /** @param {boolean} on the grid, by name and with the label */
  show(on) {
    this.#visit.show(now(), on);
  }

  /** @param {boolean} on hear who is on the grid */
  look(on) {
    this.#visit.look(now(), on);
  }

  /** @param {number} nowMs `performance.now()` of this page; call it several times a second */
  tick(nowMs) {
    this.#visit.tick(nowMs / 1000);
  }

  /** Whether the viewer is shown on the grid. */
  get isShown() {
    return this.#visit.isShown;
  }

  /** The delay in seconds, as it was set or measured. */
  get delay() {
    return this.#visit.delay;
  }

  /** @returns {import("./visit.js").Line} */
  #line() {
    return {
      path: address(this.place).pathname,
      ask: (body) => this.#ask(body),
      connect: () => this.#connect(),
      write: (text) => this.#socket?.send(text),
      waiting: () => this.#socket?.bufferedAmount ?? 0,
      close: () => this.#close(),
    };
  }

  /** @param {string} body */
  async #ask(body) {
    const asking = this.#asking = new AbortController();
    const answer = await askForTicket(this.place, body, asking.signal);
    if (asking !== this.#asking) return; // it was closed
    if ("ticket" in answer) this.#visit.asked(now(), answer.ticket);
    else this.#visit.declined(now(), answer);
  }

  #connect() {
    const at = address(this.place, "/viewer");
    at.protocol = at.protocol.replace("http", "ws");
    const socket = this.#socket = new WebSocket(at);
    socket.onopen = () => this.#visit.opened(now());
    socket.onmessage = ({ data }) => this.#visit.heard(now(), data);
    socket.onclose = ({ code }) => this.#visit.ended(now(), code);
  }

  #close() {
    this.#asking?.abort();
    this.#asking = null;
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }
}

const now = () => performance.now() / 1000;

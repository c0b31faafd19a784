// What a visitor does on the page, from the question to the end: the one place that opens a camera or joins a channel, and
// only as the answer to a press of a button on the screen that says what is shared.

import { SENDING } from "../reading/constants.js";
import { MOST_SAID, fresh, hostOf, obstacle } from "./state.js";

/** @import { Tap, Mood, People } from "../protocol.d.ts" */
/** @import { Seen } from "../reading/reader.js" */
/** @import { EyeHooks } from "./eye.js" */
/** @import { Assets, Browser, Link, Promised, State, Words } from "./state.js" */

/**
 * The line to a channel: overlay/viewer/client.js.
 *
 * @typedef {object} Channel
 * @property {() => void} join
 * @property {() => void} leave
 * @property {(reading: import("./state.js").Reading | null) => void} observe
 * @property {(kind: Tap) => boolean} tap
 * @property {() => void} tapZero
 * @property {(on: boolean) => void} show
 * @property {(on: boolean) => void} look
 * @property {(now: number) => void} tick
 */

/**
 * @typedef {object} ChannelHooks
 * @property {(state: { link: Link, code: string, message: string }) => void} onState
 * @property {(mood: Mood) => void} onMood
 * @property {(people: People) => void} onPeople
 * @property {(text: string) => void} onSaid
 * @property {(untilMs: number | null, told: { zero: number } | null) => void} onCountdown
 * @property {(seconds: number) => void} onDelay
 * @property {(cameras: boolean) => void} onCameras
 * @property {(shown: boolean) => void} onShown
 * @property {(message: string) => void} onNote
 */

/** @typedef {{ password: string, name: string, delay: number, agreed: Promised, hooks: ChannelHooks }} Joining */

/**
 * What the flow needs of the world.
 *
 * @typedef {object} World
 * @property {(password: string, onSaid: (text: string) => void) => Promise<Promised>} ask the relay what it promises;
 *   rejects with `code` and `message`
 * @property {() => Promise<Assets>} assets
 * @property {(joining: Joining) => Channel} channel
 * @property {(hooks: EyeHooks) => import("./eye.js").Eye} eye
 * @property {() => number} now milliseconds of `performance.now`
 * @property {() => number} clock milliseconds of Unix time
 */

const KNOWN = ["full", "too_often", "replaced"];
const UNREACHABLE = ["no_answer", "broken", "silent"];
const ASK_AGAIN_MS = 3000; // whether the relay has got ready what reads faces

export class Flow {
  /** @type {State} */
  state;
  /** @type {import("./eye.js").Eye} */
  #eye;
  /** @type {Channel | null} */
  #channel = null;
  #turn = 0; // tells one question to the relay from the next
  #isWelcome = false; // whether the relay has kept its promise once, to who has joined since the question
  #wantsShown = false;
  #delay = 0;
  #zero = -1; // of the countdown that was last told of
  #seenAt = 0; // when the reader has told something last
  #askAt = Infinity; // when the relay is asked again for what reads faces

  /**
   * @param {{ relay: string, channel: string, password: string, browser: Browser }} place
   * @param {World} world
   * @param {(state: State) => void} changed
   */
  constructor({ password, ...place }, world, changed) {
    this.password = password;
    this.place = place;
    this.world = world;
    this.changed = changed;
    this.state = fresh(place);
    this.#eye = world.eye({
      onCamera: (camera, cameraProblem) => {
        this.#set({ camera, cameraProblem });
        if (camera === "off" || camera === "gone" || camera === "dark") this.#see(null);
      },
      onReader: (reader) => this.#set({ reader }),
      onUnfit: (notice) => this.#onlyTaps(notice),
      onLook: (seen) => this.#see(seen),
      onTick: (now) => this.tick(now),
      onProgress: (here, size) => this.#set({ loaded: { here, size } }),
    });
  }

  /** What the camera shows, for its owner's eyes. */
  get stream() {
    return this.#eye.stream;
  }

  /** @param {Partial<State>} patch */
  #set(patch) {
    this.state = { ...this.state, ...patch };
    this.changed(this.state);
  }

  // --- before consent ---------------------------------------------------------------------------------------------

  /** Ask the relay what it promises here, with nothing open and nobody joined. */
  async begin(lowered = false) {
    this.#end();
    const turn = this.#turn;
    const { sent, labels } = this.state; // all that this page has told, also before the visitor left
    this.state = { ...fresh(this.place), sent, labels };
    this.#set({ screen: "asking", lowered });
    let promise, assets;
    try {
      [promise, assets] = await Promise.all([this.world.ask(this.password, this.#said), this.#assets()]);
    } catch (error) {
      if (turn === this.#turn) this.#refused(/** @type {{ code?: string, message?: string }} */ (error));
      return;
    }
    if (turn === this.#turn) this.#set({ screen: "consent", promise, assets });
  }

  /** @param {string} password that the visitor has typed */
  guess(password) {
    this.password = password;
    return this.begin();
  }

  /** What is known of what reads faces; where that comes later, it is asked for again. */
  async #assets() {
    const assets = await this.world.assets().catch(() => null);
    this.#askAt = assets === null || assets.state === "loading" ? this.world.now() + ASK_AGAIN_MS : Infinity;
    return assets;
  }

  /** @param {{ code?: string, message?: string }} why */
  #refused({ code = "", message = "" }) {
    if (code === "wrong_password") this.#set({ screen: "password", guessed: this.password !== "" });
    else this.#set({ screen: "refused", problem: problem(code, message, this.place) });
  }

  // --- the answer -------------------------------------------------------------------------------------------------

  /** @param {"face" | "taps"} wish as the visitor chose, having read what it means */
  agree(wish) {
    const { screen, promise } = this.state;
    if (screen !== "consent" || !promise || (wish === "face" && obstacle(this.state))) return;
    this.#set({ screen: "live", wish, resumed: wish, lowered: false, mayOpen: this.state.mayOpen || wish === "face" });
    if (!this.#channel) this.#join();
    if (wish === "face") this.#openCamera();
  }

  /** Open the camera, or have it opened as soon as the relay has promised the same to who joined. */
  #openCamera() {
    if (this.#isWelcome) this.#eye.open();
  }

  /** The camera, from taps only; who has not agreed to it yet reads first what it means. */
  camera() {
    if (this.state.screen !== "live" || obstacle(this.state)) return;
    if (!this.state.mayOpen) {
      this.#set({ screen: "consent" });
      return;
    }
    this.#set({ wish: "face", resumed: "face", notice: null });
    this.#openCamera();
  }

  /** Go on without the camera, which is off at once. */
  taps() {
    if (this.state.screen === "live") this.#onlyTaps(null);
  }

  /** @param {Words | null} notice why */
  #onlyTaps(notice) {
    this.#eye.pause();
    this.#set({ resumed: "taps", notice, ...(this.state.wish === "face" ? { wish: "taps" } : {}) });
  }

  /** Nothing is shared for now: the camera is off and the label withdrawn. */
  pause() {
    if (this.state.screen !== "live") return;
    this.#eye.pause();
    this.#set({ wish: "paused" });
  }

  resume() {
    if (this.state.screen !== "live" || this.state.wish !== "paused") return;
    if (this.state.resumed === "face" && this.state.mayOpen && !obstacle(this.state)) this.camera();
    else this.#set({ wish: "taps" });
  }

  /** Leave: the camera is off, the relay is told, nothing is left running, and no answer is waited for. */
  stop() {
    const wasIn = this.#channel !== null;
    this.#end();
    if (wasIn) this.#set({ screen: "ended", problem: null });
  }

  /** @param {Partial<State>} [last] */
  #end(last = {}) {
    this.#turn += 1;
    this.#askAt = Infinity;
    this.#eye.close();
    this.#channel?.leave();
    this.#channel = null;
    this.#isWelcome = this.#wantsShown = false;
    this.#set({ wish: "paused", mayOpen: false, link: "off", people: [], shown: false, countdown: null, mood: null, ...last });
  }

  // --- the channel ------------------------------------------------------------------------------------------------

  #join() {
    const agreed = this.state.promise;
    if (!agreed) return;
    const hooks = this.#hooks();
    /**
     * Of a channel that was left meanwhile, nothing counts.
     *
     * @template {unknown[]} Given
     * @param {(...given: Given) => void} hook
     * @returns {(...given: Given) => void}
     */
    const own = (hook) => (...given) => {
      if (channel === this.#channel) hook(...given);
    };
    const channel = this.world.channel({
      password: this.password, name: this.state.name, delay: this.#delay, agreed,
      hooks: {
        ...hooks, onState: own(hooks.onState), onMood: own(hooks.onMood), onPeople: own(hooks.onPeople),
        onCountdown: own(hooks.onCountdown), onDelay: own(hooks.onDelay), onCameras: own(hooks.onCameras),
        onShown: own(hooks.onShown), onNote: own(hooks.onNote),
      },
    });
    this.#channel = channel;
    channel.join();
    if (this.state.looking) channel.look(true);
  }

  /** @returns {ChannelHooks} */
  #hooks() {
    return {
      onState: (told) => this.#link(told),
      onMood: (mood) => this.#hear(mood),
      onPeople: ({ people, more = 0 }) => this.#set({ people, more }),
      onSaid: this.#said,
      onCountdown: (countdown, told) => {
        const again = told !== null && told.zero === this.#zero; // after a loss
        this.#set({ countdown, measured: again ? this.state.measured : null });
        this.#zero = told?.zero ?? this.#zero;
      },
      onDelay: (measured) => {
        this.#delay = measured;
        this.#set({ measured });
      },
      onCameras: (cameras) => this.#allow(cameras),
      onShown: (shown) => this.#set({ shown }),
      onNote: (text) => this.#set({ notice: { text } }),
    };
  }

  /** @param {string} text told to the relay */
  #said = (text) => this.#set({
    sent: [...this.state.sent, { time: this.world.clock(), text }].slice(-MOST_SAID),
    labels: this.state.labels + Number(text.startsWith('{"type":"label"')),
  });

  /** @param {{ link: Link, code: string, message: string }} told */
  #link({ link, code, message }) {
    if (link !== "refused") {
      const gone = link === "joined" ? {} : { mood: null, people: [], more: 0, shown: false, countdown: null };
      this.#set({ link, problem: link === "lost" ? problem(code, message, this.place) : null, ...gone });
      if (link === "joined" && !this.#isWelcome) {
        this.#isWelcome = true;
        if (this.state.wish === "face") this.#eye.open();
      }
      return;
    }
    if (code === "promises_less") {
      this.begin(true);
      return;
    }
    this.#end();
    if (code === "wrong_password") this.#refused({ code });
    else this.#set({ screen: "ended", problem: problem(code, message, this.place) });
  }

  /** @param {Mood} mood */
  #hear(mood) {
    this.#set({ mood });
    if (this.#wantsShown && mood.grid) {
      this.#wantsShown = false;
      this.#channel?.show(true);
    }
  }

  /** @param {boolean} cameras whether the channel takes labels now */
  #allow(cameras) {
    if (this.state.promise) this.#set({ promise: { ...this.state.promise, cameras } });
    if (cameras) this.#set({ notice: null });
    else this.#onlyTaps({ key: "join.live.forbidden" });
  }

  /** @param {Seen | null} seen null once there is nobody to see */
  #see(seen) {
    const reading = seen?.reading ?? null;
    this.#seenAt = this.world.now();
    this.#channel?.observe(reading);
    const kept = seen && !reading ? this.state.hint : ""; // it is told once, and holds until something is read
    this.#set({ reading, box: seen?.look.box ?? null, unread: seen?.look.unread ?? "", hint: seen?.hint ?? kept });
  }

  /** @param {number} now time has passed */
  tick(now) {
    this.#channel?.tick(now);
    if (this.state.reading && now - this.#seenAt > 1000 * SENDING.STALE_S) this.#see(null); // the reader hangs
    if (now >= this.#askAt && (this.state.screen === "consent" || this.state.screen === "live")) this.#askAnew();
    if (this.state.countdown !== null && now > this.state.countdown) this.#set({ countdown: null, measured: null });
  }

  async #askAnew() {
    const turn = this.#turn;
    this.#askAt = Infinity;
    const assets = await this.#assets();
    if (turn === this.#turn) this.#set({ assets });
  }

  /** @param {Tap} kind @returns {boolean} whether it was sent */
  tap(kind) {
    return this.state.wish !== "paused" && (this.#channel?.tap(kind) ?? false);
  }

  tapZero() {
    this.#channel?.tapZero();
  }

  // --- the grid ---------------------------------------------------------------------------------------------------

  /**
   * Be shown to everybody who opens the grid. A name goes to the relay with the next connection only, so one is made.
   *
   * @param {string} name
   */
  show(name) {
    if (this.state.screen !== "live" || !this.#channel) return;
    if (name === this.state.name) {
      this.#channel.show(true);
      return;
    }
    this.#channel.leave();
    this.#set({ name, shown: false });
    this.#wantsShown = true;
    this.#join();
  }

  withdraw() {
    this.#wantsShown = false;
    this.#channel?.show(false);
  }

  /** @param {boolean} looking whether the visitor looks at the grid */
  look(looking) {
    this.#set({ looking });
    this.#channel?.look(looking);
  }
}

/**
 * @param {string} code
 * @param {string} message the relay's own sentence
 * @param {{ relay: string, channel: string }} place
 * @returns {Words}
 */
function problem(code, message, { relay, channel }) {
  if (code === "unknown_channel") return { key: "join.problem.unknown_channel", values: { relay: hostOf(relay), channel } };
  if (UNREACHABLE.includes(code)) return { key: "join.problem.unreachable" };
  if (KNOWN.includes(code)) return { key: `join.problem.${code}` };
  return message ? { text: message } : { key: "join.problem.other" };
}

// A visitor's page without a browser: a made-up relay, camera and reader around the real flow, and what came of them.

import "./texts.mjs";

import { Eye } from "../../overlay/viewer/eye.js";
import { Flow } from "../../overlay/viewer/flow.js";

export const PROMISE = { min_viewers: 5, crowd: "networks", grid: true, cameras: true, notice: "", via: "" };
export const READY = { state: "ready", advice: "", raw: 29e6, transfer: 8.96e6 };
export const MOOD = {
  type: "mood", seq: 1, time: 1, visible: true, viewers: 9, sharing: 8, min_viewers: 5, crowd: "networks",
  counts: [0, 0, 0, 6, 0, 1, 1], shares: [0, 0, 0, 0.75, 0, 0.125, 0.125], valence: 0.7, resonance: 0.5, trend: 0, grid: true,
};
export const BROWSER = { secure: true, camera: true, wasm: true, phone: false };

/** What the page of a browser has to do before promises are kept. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

class Track extends EventTarget {
  muted = false;
  stopped = false;
  stop() {
    this.stopped = true;
  }
}

/** `camera`, `load` and the relay's `answers` may be replaced by what rejects, or waits. */
export class Visitor {
  now = 0;
  tracks = [];
  readers = [];
  channels = [];
  promise = PROMISE;
  assets = READY;
  camera = async () => {};
  load = async () => {};
  answers = async () => {};

  constructor(browser = {}) {
    this.flow = new Flow(
      { relay: "https://h.example", channel: "Cats", password: "", browser: { ...BROWSER, ...browser } },
      {
        ask: async (password, onSaid) => {
          this.asked = password;
          onSaid("POST /tickets");
          await this.answers();
          if (this.promise instanceof Error) throw this.promise;
          return this.promise;
        },
        assets: async () => this.assets,
        channel: (joining) => this.#channel(joining),
        eye: (hooks) => new Eye((reading) => this.#reader(reading), () => this.#open(), hooks),
        now: () => this.now,
        clock: () => 0,
      },
      (state) => { this.state = state; },
    );
  }

  /** Cameras that are open now. */
  get open() {
    return this.tracks.filter(({ stopped }) => !stopped).length;
  }

  get reader() {
    return this.readers.at(-1);
  }

  get channel() {
    return this.channels.at(-1);
  }

  async joined(wish = "face") {
    await this.flow.begin();
    this.flow.agree(wish);
    this.tell({ link: "joined" });
    await settled();
    return this;
  }

  /** The relay's line stands otherwise. */
  tell({ link, code = "", message = "" }) {
    this.channel.hooks.onState({ link, code, message });
  }

  /** The reader has seen something. */
  see(reading, { unread = null, hint = null, box = [0.2, 0.2, 0.6, 0.8] } = {}) {
    this.reader.hooks.onLook({ time: this.now, look: { hasFace: true, box, unread, still: false, probabilities: null }, reading, hint });
  }

  async #open() {
    await this.camera();
    const track = new Track();
    this.tracks.push(track);
    return { getTracks: () => [track], getVideoTracks: () => [track] };
  }

  #reader(hooks) {
    const reader = { hooks, watched: [], ended: false };
    this.readers.push(reader);
    return Object.assign(reader, {
      load: () => this.load(), watch: (track) => reader.watched.push(track), pause: () => {}, resume: () => {}, forget: () => {},
      close: () => { reader.ended = true; },
    });
  }

  #channel({ hooks, ...joining }) {
    const channel = { hooks, joining, said: [], left: false };
    this.channels.push(channel);
    const say = (...words) => channel.said.push(words);
    return Object.assign(channel, {
      join: () => say("join"), leave: () => { channel.left = true; }, observe: (reading) => say("observe", reading?.expression ?? null),
      tap: (kind) => { say("tap", kind); return true; }, tapZero: () => say("zero"), show: (on) => say("show", on),
      look: (on) => say("look", on), tick: () => {},
    });
  }
}

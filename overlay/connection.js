// A subscription to one channel over WebSocket that comes back by itself.

import { parse, retries, sentence } from "./contract.js";
import { say } from "./texts.js";
import { said } from "./figures.js";

/** @import { Message } from "./contract.js" */
/** @import { Bye, Error as ErrorMessage } from "./protocol.d.ts" */

/**
 * How a subscription stands; the sentence says why it ended for good.
 * @typedef {{ name: "connecting" | "open" | "retrying" } | { name: "stopped", sentence: string }} State
 */

const FIRST_DELAY_S = 0.5;
const LONGEST_DELAY_S = 2; // an overlay is back within three seconds of its relay
const PATIENCE_S = 3; // with a relay that is asked whether it is there
const LONGEST_ASKED_S = 60; // a relay that asks for a longer wait is not believed: a show goes on meanwhile
const LASTED_S = 5; // a connection that ends sooner counts as a failed one, so that attempts never follow each other fast
export const SILENCE_S = 20; // the relay sends a mood at least every 5 s, so such a silence is a dead connection

/**
 * Seconds to wait before the next attempt: doubling from 0.5 to 2, times 0.5 to 1 by chance; or what the relay asked
 * for if that is longer, times 0.5 to 1.5, so that all the pages of a relay that restarts don't come back at once.
 *
 * @param {number} attempt 0 for the first
 * @param {number} random 0 to 1
 * @param {unknown} asked seconds the relay asked for; whatever makes no sense counts as 0
 */
export function backoff(attempt, random, asked = 0) {
  const wanted = typeof asked === "number" && asked > 0 ? Math.min(LONGEST_ASKED_S, asked) : 0;
  const own = Math.min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** attempt);
  return Math.max(wanted * (0.5 + random), own * (0.5 + random / 2));
}

/**
 * Whether the relay is there. Chromium makes a page whose WebSockets have failed wait longer with each, up to five
 * seconds; a page whose requests have failed it doesn't.
 *
 * @param {string} relay
 */
async function isThere(relay) {
  const address = new URL(relay);
  if (address.origin !== location.origin) return true; // the page may open WebSockets to it, and ask it nothing else
  address.pathname = `${address.pathname.replace(/\/$/, "")}/healthz`;
  address.search = address.hash = "";
  try {
    const signal = AbortSignal.timeout(1000 * PATIENCE_S);
    const { status } = await fetch(address, { cache: "no-store", redirect: "manual", signal });
    return status < 500; // more is a proxy's, for a relay that is not there
  } catch {
    return false;
  }
}

/**
 * ws(s)://.../v1/channels/CHANNEL/mood of a relay given as an http(s) or ws(s) address.
 *
 * @param {string} relay
 * @param {string} channel
 */
export function moodAddress(relay, channel) {
  const address = new URL(relay);
  address.protocol = address.protocol.replace("http", "ws");
  address.pathname = `${address.pathname.replace(/\/$/, "")}/v1/channels/${encodeURIComponent(channel)}/mood`;
  address.search = address.hash = "";
  return address.href;
}

/**
 * Subscribe, and stay subscribed for as long as the page is open.
 *
 * @param {{relay: string, channel: string, key: string}} where
 * @param {(message: Message) => void} onMessage each mood, reaction and status
 * @param {(state: State) => void} onState
 */
export function subscribe({ relay, channel, key }, onMessage, onState) {
  const address = moodAddress(relay, channel);
  let attempt = 0;

  /** @param {unknown} [asked] seconds the relay asked for */
  function comeBack(asked) {
    const tryAgain = async () => (await isThere(relay) ? connect() : comeBack());
    setTimeout(tryAgain, 1000 * backoff(attempt++, Math.random(), asked));
  }

  function connect() {
    /** @type {Bye | ErrorMessage | null} */
    let last = null; // what explains a close
    /** @type {WebSocket} */
    let socket;
    /** @type {number | undefined} */
    let silence;
    let opened = Infinity;

    function listen() {
      clearTimeout(silence);
      silence = setTimeout(() => socket.close(), 1000 * SILENCE_S);
    }

    onState({ name: attempt ? "retrying" : "connecting" });
    try {
      socket = new WebSocket(address);
    } catch (error) {
      onState({ name: "stopped", sentence: say("common.line.refused", { relay, reason: said(error) }) });
      return;
    }
    socket.onopen = () => {
      opened = performance.now();
      socket.send(JSON.stringify({ type: "subscribe", key }));
      listen();
    };
    socket.onmessage = ({ data }) => {
      listen();
      const message = parse(data);
      if (!message) return;
      if (message.type === "bye" || message.type === "error") {
        last = message;
        return;
      }
      onState({ name: "open" });
      onMessage(message);
    };
    socket.onclose = ({ code }) => {
      clearTimeout(silence);
      if (!retries(code)) {
        onState({ name: "stopped", sentence: last?.message || sentence(code) });
        return;
      }
      if (performance.now() - opened >= 1000 * LASTED_S) attempt = 0;
      comeBack(last?.type === "bye" ? last.retry_after_s : 0);
      onState({ name: "retrying" });
    };
  }

  connect();
}

// How the stream stands, in the words of a streamer: a connection alone is not "live".

import { say } from "./texts.js";

/** @import { State } from "./connection.js" */
/** @import { Mood, Status } from "./protocol.d.ts" */

/**
 * `name`: for the look; `words`: of the state; `watching`: of the viewers, empty where nothing is known of them.
 * @typedef {{ name: "connecting" | "retrying" | "stopped" | "ready" | "air" | "paused" | "ended", words: string,
 *   watching: string }} Air
 */

/** @param {number} count as in "12 viewers" */
export const viewersSaid = (count) => say("dashboard.viewers", { count, number: count.toLocaleString() });

/**
 * @param {State["name"]} line of the connection
 * @param {Pick<Status, "session" | "state"> | null} status the last one
 * @param {Pick<Mood, "viewers" | "paused"> | null} mood the last one
 * @returns {Air}
 */
export function airOf(line, status, mood) {
  if (line === "connecting") return { name: line, words: say("dashboard.connecting"), watching: "" };
  if (line === "retrying") return { name: line, words: say("dashboard.retrying"), watching: "" };
  if (line === "stopped") return { name: line, words: say("dashboard.stopped"), watching: "" };
  const viewers = mood?.viewers ?? 0;
  const watching = !mood ? "" : viewers ? viewersSaid(viewers) : say("dashboard.no_viewers");
  if (mood?.paused || status?.state === "paused") return { name: "paused", words: say("dashboard.pause"), watching };
  if (status?.state === "ended") return { name: "ended", words: say("dashboard.ended"), watching };
  const runs = typeof status?.session === "number";
  if (runs && (viewers || status.state === "open")) return { name: "air", words: say("dashboard.air"), watching };
  return { name: "ready", words: say("dashboard.ready"), watching };
}

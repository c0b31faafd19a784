// A session's history: the relay's JSON, and what the live events add to it. Pure.

/** @import { Reaction } from "./contract.js" */
/** @import { Marker, Mood } from "./protocol.d.ts" */

/**
 * Times are Unix times in seconds; a running session has no end.
 * @typedef {{ number: number, name: string | null, started: number, ended: number | null }} Session
 */

/**
 * A second of which something is stored.
 * @typedef {Pick<Mood, "time" | "viewers" | "sharing" | "counts" | "valence" | "resonance">} Moment
 */

/**
 * The relay's JSON of a session; moments and markers in order of time.
 * @typedef {{ session: Session, moments: Moment[], reactions: Reaction[], markers: Marker[] }} History
 */

/**
 * The markers that were heard of but are not in a history, which was read before them.
 *
 * @param {Marker[]} markers of the history
 * @param {Marker[]} heard of the same session
 */
export const missed = (markers, heard) =>
  heard.filter((one) => !markers.some(({ time, text }) => time === one.time && text === one.text));

/**
 * The moment that a live mood event adds to the running session; null when nothing is stored for it.
 *
 * @param {Mood} mood
 * @returns {Moment | null}
 */
export const momentOf = (mood) =>
  mood.visible
    ? {
        time: Math.floor(mood.time),
        viewers: mood.viewers,
        sharing: mood.sharing,
        counts: mood.counts,
        valence: mood.valence,
        resonance: mood.resonance,
      }
    : null;

// Fetches the files that a face is read with, from where the relay says, and lets none pass that is not what it should
// be. They are kept for good by the browser, under names that change with what is in them.

import { isCount, isObject, isText } from "../checks.js";

/** @typedef {"vision" | "vision_loader" | "vision_wasm" | "ort" | "ort_loader" | "ort_wasm" | "landmarker" | "detector" | "moodnet"} Key */

/**
 * Scripts are run from their address, which is the relay's own; the rest is used as it came.
 * @typedef {{ url: string, bytes: Uint8Array<ArrayBuffer> }} File
 * @typedef {Record<Key, File>} Files
 */

/** @typedef {{ url: string, sha256: string, bytes: number }} Listed */
/** @typedef {"no_assets" | "offline" | "damaged" | "too_old" | "failed"} Code why no face can be read */

/** @type {readonly Key[]} */
const KEYS = [
  "vision", "vision_loader", "vision_wasm", "ort", "ort_loader", "ort_wasm", "landmarker", "detector", "moodnet",
];
const SHA256 = /^[0-9a-f]{64}$/;
const MOST_BYTES = 1 << 26; // of a file
const FULL = 503;
const MOST_WAITS = 60; // for a place among those who load at the same time
const USUAL_WAIT_S = 5;
const LONGEST_WAIT_S = 60;

export class Unreadable extends Error {
  /**
   * @param {Code} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** @param {any} one @returns {one is Listed} */
const isListed = (one) =>
  isObject(one) && isText(one.url) && isText(one.sha256) && SHA256.test(one.sha256) && isCount(one.bytes) &&
  one.bytes <= MOST_BYTES;

/**
 * All files, each checked. Rejects with Unreadable.
 *
 * @param {URL} base of the relay
 * @param {(loaded: number, total: number) => void} onProgress gets bytes, as they are when unpacked
 * @returns {Promise<Files>}
 */
export async function load(base, onProgress) {
  const manifest = new URL("v1/assets", base);
  const listed = await list(manifest);
  const total = KEYS.reduce((sum, key) => sum + listed[key].bytes, 0);
  let loaded = 0;
  const count = (/** @type {number} */ bytes) => onProgress((loaded += bytes), total);
  const files = await Promise.all(KEYS.map(async (key) => {
    const url = new URL(listed[key].url, manifest).href;
    return [key, { url, bytes: await file(url, listed[key], count) }];
  }));
  return Object.fromEntries(files);
}

/**
 * What the relay says of its files.
 *
 * @param {URL} manifest
 * @returns {Promise<Record<Key, Listed>>}
 */
async function list(manifest) {
  const response = await fetch(manifest, { cache: "no-store" }).catch(lost);
  const answer = response.ok ? await response.json().catch(() => null) : null;
  if (!isObject(answer) || answer.state !== "ready" || !isObject(answer.files) ||
    !KEYS.every((key) => isListed(answer.files[key]))) {
    throw new Unreadable("no_assets", "The relay does not have the files with which a browser reads a face.");
  }
  return answer.files;
}

/**
 * A file's bytes. A damaged one is asked for once more, past what the browser has kept.
 *
 * @param {string} url
 * @param {Listed} listed
 * @param {(bytes: number) => void} count
 */
async function file(url, listed, count) {
  for (const cache of /** @type {RequestCache[]} */ (["default", "reload"])) {
    const bytes = await fetched(url, listed, cache, count);
    if (bytes) return bytes;
  }
  throw new Unreadable("damaged", `${url} is not the file that the relay told of.`);
}

/**
 * The bytes, or null where they are others than those that were told of; `count` is then told that none came.
 *
 * @param {string} url
 * @param {Listed} listed
 * @param {RequestCache} cache
 * @param {(bytes: number) => void} count
 */
async function fetched(url, { sha256, bytes: size }, cache, count) {
  // Over plain http a page can't reckon hashes, but the browser still compares them, and says no more than that it did.
  const integrity = crypto.subtle ? "" : `sha256-${btoa(String.fromCharCode(...octets(sha256)))}`;
  const response = await placed(url, { cache, integrity });
  if (!response) return null;
  if (!response.ok || !response.body) {
    throw new Unreadable("no_assets", `${url} answered with status ${response.status}.`);
  }
  const bytes = new Uint8Array(size);
  const came = await filled(bytes, response.body.getReader(), count);
  if (came === size && (integrity || (await digest(bytes)) === sha256)) return bytes;
  count(-Math.min(came, size));
  return null;
}

/**
 * The answer, once there is room for one more download; null where it is not what its hash says.
 *
 * @param {string} url
 * @param {{ cache: RequestCache, integrity: string }} options
 */
async function placed(url, options) {
  for (let waits = 0; ; waits++) {
    const response = await fetch(url, options).catch(() => (options.integrity ? refused(url) : lost()));
    if (response?.status !== FULL || waits === MOST_WAITS) return response;
    void response.body?.cancel();
    await pause(Number(response.headers.get("Retry-After")) || USUAL_WAIT_S);
  }
}

/**
 * Not all come back at once who were turned away at once.
 *
 * @param {number} seconds
 * @returns {Promise<void>}
 */
function pause(seconds) {
  const wait = Math.min(LONGEST_WAIT_S, Math.max(1, seconds)) * (1 + Math.random() / 2);
  return new Promise((resolve) => setTimeout(resolve, 1000 * wait));
}

/**
 * How many bytes came, of which no more than there is room for are kept and counted.
 *
 * @param {Uint8Array} bytes
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {(bytes: number) => void} count
 */
async function filled(bytes, reader, count) {
  for (let at = 0; ;) {
    const { done, value } = await reader.read().catch(lost);
    if (done) return at;
    const kept = value.subarray(0, bytes.length - at);
    bytes.set(kept, at);
    count(kept.length);
    at += value.length;
    if (at > bytes.length) {
      void reader.cancel();
      return at;
    }
  }
}

/**
 * The answer where there is none of the file, whose text has another hash than the file; null where the file has.
 *
 * @param {string} url
 */
async function refused(url) {
  const response = await fetch(url).catch(lost);
  if (!response.ok) return response;
  void response.body?.cancel();
  return null;
}

/** @returns {never} */
function lost() {
  throw new Unreadable("offline", "The relay does not answer.");
}

/**
 * Give a file's memory back, whoever still refers to it: the libraries keep what they were given, and never use it again.
 *
 * @param {File} file
 */
export function release({ bytes }) {
  structuredClone(null, { transfer: [bytes.buffer] });
}

/** @param {string} hex */
const octets = (hex) => (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16));

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Questions to the relay's recogniser. What it answers is looked at here: no other file meets junk.

import { isBetween, isCount, isListOf, isObject, isShare, isText, mayBe } from "./checks.js";
import { BASE, EXPRESSIONS } from "./contract.js";

/** @import { ErrorBody } from "./requests.js" */

/**
 * A face in a picture: the corners of what the classifier saw, the probabilities in the order of the expressions, and
 * why a viewer with such a face would make no vote (empty for one that would).
 * @typedef {{ outline: number[][], probabilities: number[], unread?: string }} Face
 */

/**
 * What was found in a picture of that many pixels.
 * @typedef {{ model: string, width: number, height: number, faces: Face[],
 *   milliseconds: { load: number, decode: number, find: number, classify: number } }} Findings
 */

/** @typedef {{ name: string, description: string }} Model */

const MOST_FACES = 1000;
const LONGEST_WAIT_S = 3600;

/** What the relay refused, in a sentence; `retryAfter` in seconds where it only asks for patience, else null. */
export class Refusal extends Error {
  /**
   * @param {string} sentence
   * @param {number | null} [retryAfter]
   */
  constructor(sentence, retryAfter = null) {
    super(sentence);
    this.retryAfter = retryAfter;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 */
async function ask(path, options) {
  let response;
  try {
    response = await fetch(new URL(path, BASE), { cache: "no-store", redirect: "error", ...options });
  } catch {
    throw new Refusal("The relay does not answer: see that it still runs.");
  }
  if (response.ok) return response.json().catch(() => null);
  /** @type {ErrorBody} */
  const { error } = (await response.json().catch(() => null)) ?? {};
  const patience = Number(response.headers.get("Retry-After") || NaN);
  throw new Refusal(
    error && isText(error.message) ? error.message : `The relay answered with status ${response.status}.`,
    isBetween(patience, 0, LONGEST_WAIT_S) ? patience : null,
  );
}

const MOST_MODELS = 100;
const FURTHEST = 1e6; // pixels
const LONGEST_MS = 1e7;
const TIMES = ["load", "decode", "find", "classify"];

/** @param {any} list @param {(value: any) => boolean} isOne @param {number} count */
const areSo = (list, isOne, count) => isListOf(list, isOne, count) && list.length === count;
/** @param {any} corner of an outline, which may lie outside of the picture */
const isCorner = (corner) => areSo(corner, (value) => isBetween(value, -FURTHEST, FURTHEST), 2);
/** @param {any} face */
const isFace = (face) =>
  isObject(face) && areSo(face.outline, isCorner, 4) && areSo(face.probabilities, isShare, EXPRESSIONS.length) &&
  mayBe(face.unread, isText);

/** @param {any} answer @returns {answer is Findings} */
export const isFindings = (answer) =>
  isObject(answer) && isText(answer.model) && isBetween(answer.width, 1, FURTHEST) && isBetween(answer.height, 1, FURTHEST) &&
  isListOf(answer.faces, isFace, MOST_FACES) && isObject(answer.milliseconds) &&
  TIMES.every((name) => isBetween(answer.milliseconds[name], 0, LONGEST_MS));

/** @param {any} answer @returns {answer is About} */
export const isAbout = (answer) =>
  isObject(answer) && isText(answer.unavailable) && isCount(answer.max_bytes) &&
  isListOf(answer.models, (model) => isObject(model) && isText(model.name) && isText(model.description), MOST_MODELS);

/**
 * @template Answer
 * @param {any} answer
 * @param {(answer: any) => answer is Answer} is
 */
function checked(answer, is) {
  if (is(answer)) return answer;
  throw new Refusal("The relay's answer makes no sense to this page: reload it, or see that it is the relay's own.");
}

/** @typedef {{ models: Model[], unavailable: string, max_bytes: number }} About */

export const about = async () => checked(await ask("v1/try"), isAbout);

/**
 * The faces in a picture.
 *
 * @param {Blob} picture a picture's file
 * @param {string} model
 * @returns {Promise<Findings>}
 */
export const look = async (picture, model) =>
  checked(await ask(`v1/try?model=${encodeURIComponent(model)}`, {
    method: "POST",
    body: picture,
    headers: { "Content-Type": picture.type.startsWith("image/") ? picture.type : "application/octet-stream" },
  }), isFindings);

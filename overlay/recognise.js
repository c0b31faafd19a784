// Questions to the relay's recogniser.

import { BASE } from "./contract.js";

/** @import { ErrorBody } from "./requests.js" */

/**
 * A face in a picture: the corners of what the classifier saw, and the probabilities in the order of the expressions.
 * @typedef {{ outline: number[][], probabilities: number[] }} Face
 */

/**
 * What was found in a picture of that many pixels.
 * @typedef {{ model: string, width: number, height: number, faces: Face[],
 *   milliseconds: { load: number, decode: number, find: number, classify: number } }} Findings
 */

/** @typedef {{ name: string, description: string }} Model */

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
  if (response.ok) return response.json();
  /** @type {ErrorBody} */
  const { error } = await response.json().catch(() => ({}));
  const patience = response.headers.get("Retry-After");
  throw new Refusal(error?.message ?? `The relay answered with status ${response.status}.`, patience ? Number(patience) : null);
}

/** @returns {Promise<{models: Model[], unavailable: string, max_bytes: number}>} */
export const about = () => ask("v1/try");

/**
 * The faces in a picture.
 *
 * @param {Blob} picture a picture's file
 * @param {string} model
 * @returns {Promise<Findings>}
 */
export const look = (picture, model) =>
  ask(`v1/try?model=${encodeURIComponent(model)}`, {
    method: "POST",
    body: picture,
    headers: { "Content-Type": picture.type.startsWith("image/") ? picture.type : "application/octet-stream" },
  });

// Requests to the relay about one channel.

import { isObject, isText } from "./checks.js";
import { BASE } from "./contract.js";

const LONGEST_ASKED_S = 60; // a relay that asks for a longer wait is not believed
const TRIES = 5; // where the relay is busy with other requests of the channel

/**
 * What the relay says with a status of 400 or more, if it was the relay.
 * @typedef {{ error?: { code: number, name: string, message: string } }} ErrorBody
 */

/** The relay said no. `message` is its sentence, `status` the HTTP status, `code` the contract's name for why. */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {number} status
   * @param {string} [code]
   */
  constructor(message, status, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param {string} channel
 * @param {string} key goes into a header, never into the address
 * @param {string} path below the channel, as in "sessions/3"; empty for the channel itself
 * @param {string} [method]
 * @param {object} [body] sent as JSON
 * @param {number} [tries] of a GET that finds the relay busy
 * @returns {Promise<Response>} of a status below 400; else Refused
 */
export async function request(channel, key, path, method = "GET", body = undefined, tries = TRIES) {
  /** @type {Record<string, string>} */
  const headers = { Authorization: `Bearer ${key}` };
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    const address = new URL(`v1/channels/${encodeURIComponent(channel)}${path && `/${path}`}`, BASE);
    response = await fetch(address, {
      method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error", // the key stays here
    });
  } catch {
    throw new Refused("The relay does not answer.", 0);
  }
  if (response.ok) return response;
  const { error } = await refusal(response);
  if (method === "GET" && error?.name === "full" && tries > 1) {
    const asked = Number(response.headers.get("Retry-After")) || 1;
    const wait = 1000 * Math.min(LONGEST_ASKED_S, Math.max(1, asked)) * (0.5 + Math.random());
    await new Promise((resolve) => setTimeout(resolve, wait));
    return request(channel, key, path, method, body, tries - 1);
  }
  throw new Refused(error?.message ?? `The relay answered ${response.status}.`, response.status, error?.name);
}

/**
 * Why the relay refused, where that is what it says.
 *
 * @param {Response} response
 * @returns {Promise<ErrorBody>}
 */
async function refusal(response) {
  const body = await response.json().catch(() => null);
  const error = isObject(body) ? body.error : null;
  return isObject(error) && isText(error.message) && isText(error.name) ? { error } : {};
}

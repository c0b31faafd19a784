// Requests to the relay about one channel.

import { BASE } from "./contract.js";

/** The relay said no. `message` is its sentence, `status` the HTTP status. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} channel
 * @param {string} key goes into a header, never into the address
 * @param {string} path below the channel, as in "sessions/3"
 * @param {string} [method]
 * @param {object} [body] sent as JSON
 * @returns {Promise<Response>} of a status below 400; else Refused
 */
export async function request(channel, key, path, method = "GET", body = undefined) {
  const headers = { Authorization: `Bearer ${key}` };
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    const address = new URL(`v1/channels/${encodeURIComponent(channel)}/${path}`, BASE);
    response = await fetch(address, {
      method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error", // the key stays here
    });
  } catch {
    throw new Refused("The relay does not answer.", 0);
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new Refused(error?.message ?? `The relay answered ${response.status}.`, response.status);
}

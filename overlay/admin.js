// What takes the channel's admin key: the streamer is asked for it once.

import { answered, dialogOf, inputOf } from "./dialogs.js";
import { tell } from "./dom.js";
import { said } from "./figures.js";
import { Refused, request } from "./requests.js";

const WRONG = ["wrong_key", "forbidden"]; // no key of this channel; the display key

/** @param {unknown} error */
const isWrongKey = (error) => error instanceof Refused && WRONG.includes(error.code);

export class Admin {
  #key = ""; // in memory alone: never stored, never in an address
  /** @type {Promise<string> | null} */
  #asked = null; // while the dialog is open

  /** @param {string} channel */
  constructor(channel) {
    this.channel = channel;
  }

  /** @param {string} key the one that counts from now on */
  renew(key) {
    this.#key = key;
  }

  /**
   * A request with the admin key, which is asked for until it is right; null when the streamer gives up.
   *
   * @param {string} path below the channel
   * @param {string} method
   * @param {object} [body] sent as JSON
   */
  async request(path, method, body) {
    for (let refused = ""; ;) {
      const key = this.#key || (await this.#ask(refused));
      if (!key) return null;
      try {
        return await request(this.channel, key, path, method, body);
      } catch (error) {
        if (!isWrongKey(error)) throw error;
        if (this.#key === key) this.#key = ""; // else another request was given a newer one
        refused = said(error);
      }
    }
  }

  /**
   * A look at what the page shows by itself: nobody is asked for a key. Null where there is none, or it is not right.
   *
   * @param {string} path below the channel
   */
  async look(path) {
    if (!this.#key) return null;
    try {
      return await request(this.channel, this.#key, path);
    } catch (error) {
      if (isWrongKey(error)) return null;
      throw error;
    }
  }

  /**
   * The key that the streamer gives, or nothing. All that wait for one share a dialog.
   *
   * @param {string} refused why the last one is none
   */
  #ask(refused) {
    this.#asked ??= this.#given(refused).finally(() => (this.#asked = null));
    return this.#asked;
  }

  /** @param {string} refused */
  async #given(refused) {
    const dialog = dialogOf("admin");
    const input = inputOf(dialog);
    tell("admin-refused", refused, true);
    input.value = "";
    if (await answered(dialog)) this.#key = input.value.trim();
    input.value = "";
    return this.#key;
  }
}

// New keys in the place of those that got out. The admin key is in this page's memory alone, and shown once.

import { isRotated, read } from "./answers.js";
import { answered, dialogOf } from "./dialogs.js";
import { find, only, tell, write } from "./dom.js";
import { said } from "./figures.js";
import { say } from "./texts.js";

/** @import { Admin } from "./admin.js" */

/** @typedef {"display" | "admin"} Right */

/**
 * The new key: as the relay's JSON tells it, the one that was asked for.
 * @typedef {{ display_key?: string, admin_key?: string }} Rotated
 */

/**
 * What the page does with a new display key: `hold` runs the work while the old one may end, `renew` goes on with the
 * new one, and gives the overlay's address.
 * @typedef {{ hold: (work: () => Promise<void>) => Promise<void>, renew: (key: string) => string }} Page
 */

export class Keys {
  /**
   * @param {Admin} admin
   * @param {Page} page
   */
  constructor(admin, page) {
    this.admin = admin;
    this.page = page;
    for (const right of /** @type {Right[]} */ (["display", "admin"])) {
      only(HTMLButtonElement, `[data-rotate=${right}]`).addEventListener("click", () => this.#ask(right));
    }
    find("keys-copy").addEventListener("click", () => this.#copy());
  }

  /** @param {Right} right */
  async #ask(right) {
    write(find("rotate-title"), say(`dashboard.keys.${right}_title`));
    write(find("rotate-text"), say(`dashboard.keys.${right}_warning`));
    if (!(await answered(dialogOf("rotate")))) return;
    await this.page.hold(async () => {
      try {
        await this.#rotate(right);
      } catch (error) {
        tell("keys-told", `${say("dashboard.keys.failed")} ${said(error)}`, true);
      }
    });
  }

  /** @param {Right} right */
  async #rotate(right) {
    const response = await this.admin.request("keys", "POST", { rotate: right });
    if (!response) return;
    const rotated = await read(response, isRotated);
    const key = right === "admin" ? rotated.admin_key : rotated.display_key;
    if (!key) throw new Error("The relay did not tell it.");
    if (right === "admin") this.admin.renew(key);
    only(HTMLInputElement, "#keys-new").value = right === "admin" ? key : this.page.renew(key);
    write(find("keys-name"), say(`dashboard.keys.${right}`));
    find("keys-shown").hidden = false;
    tell("keys-told", say(`dashboard.keys.${right}_done`));
  }

  async #copy() {
    const input = only(HTMLInputElement, "#keys-new");
    try {
      await navigator.clipboard.writeText(input.value);
      tell("keys-told", say("dashboard.copied"));
    } catch { // on plain http the browser gives pages no clipboard, and copies no password
      input.type = "text";
      input.select();
      tell("keys-told", say("dashboard.selected"));
    }
  }
}

// The dashboard's invitation for viewers: the link, its QR code, and the join password in it where the streamer gives it.

import { isInvited, read } from "./answers.js";
import { find, only, tell, write } from "./dom.js";
import { said } from "./figures.js";
import { say } from "./texts.js";

/** @import { Admin } from "./admin.js" */

/**
 * As the relay's JSON tells it. `password`: whether the channel has one; `note`: what to know about the link, or empty.
 * @typedef {{ link: string, app_link: string, svg: string, password: boolean, note: string }} Invited
 */

/**
 * What to tell about a link: whether the join password stands in it, and until when it is good.
 *
 * @param {Pick<Invited, "link" | "password">} invited
 */
export function passwordWords({ link, password }) {
  if (!password) return say("dashboard.invite.open");
  return link.includes("#password=") ? say("dashboard.invite.inside") : say("dashboard.invite.outside");
}

/**
 * A picture's address that has the picture in it: what a strange SVG could do, it can't there.
 *
 * @param {string} svg
 */
export const pictureOf = (svg) => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;

export class Invite {
  /**
   * @param {string} channel
   * @param {Admin} admin
   */
  constructor(channel, admin) {
    this.channel = channel;
    this.admin = admin;
    find("invite").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask(only(HTMLInputElement, "#invite-password").value);
    });
    find("invite-show").addEventListener("click", () => this.#ask(""));
    find("invite-copy").addEventListener("click", () => this.#copy());
  }

  /** @param {string} password empty for a link without it */
  async #ask(password) {
    try {
      const response = await this.admin.request("invitation", "POST", { password });
      if (response) this.#show(await read(response, isInvited));
    } catch (error) {
      tell("invite-told", `${say("dashboard.invite.failed")} ${said(error)}`, true);
    }
  }

  /** @param {Invited} invited */
  #show(invited) {
    const code = only(HTMLImageElement, "#invite-code");
    code.alt = say("dashboard.invite.code");
    code.src = only(HTMLAnchorElement, "#invite-save").href = pictureOf(invited.svg);
    only(HTMLAnchorElement, "#invite-save").download = `${this.channel}-invitation.svg`;
    only(HTMLInputElement, "#invite-link").value = invited.link;
    find("invite-shown").hidden = false;
    find("invite-show").hidden = true;
    write(find("invite-note"), invited.note);
    tell("invite-told", passwordWords(invited));
    const input = only(HTMLInputElement, "#invite-password");
    input.value = "";
    find("invite-guarded").hidden = !invited.password || invited.link.includes("#password=");
  }

  async #copy() {
    const input = only(HTMLInputElement, "#invite-link");
    try {
      await navigator.clipboard.writeText(input.value);
      tell("invite-told", say("dashboard.copied"));
    } catch { // on plain http the browser gives pages no clipboard
      input.select();
      tell("invite-told", say("dashboard.selected"));
    }
  }
}

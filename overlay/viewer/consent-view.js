// The screens before anybody has joined: what the relay promises and the choice, a password, a refusal; and the last one.

import { find, only, write } from "../dom.js";
import { say } from "../texts.js";
import { download, hostOf, obstacle, whoSees } from "./state.js";
import { spell } from "./words.js";

/** @import { Flow } from "./flow.js" */
/** @import { State } from "./state.js" */

export class ConsentView {
  #camera = only(HTMLButtonElement, "#yes-camera");
  #password = only(HTMLInputElement, "#password-field");
  #screen = "";

  /** @param {() => Flow} flow that runs now */
  constructor(flow) {
    this.#camera.addEventListener("click", () => flow().agree("face"));
    find("yes-taps").addEventListener("click", () => flow().agree("taps"));
    find("again").addEventListener("click", () => flow().begin());
    find("rejoin").addEventListener("click", () => flow().begin());
    only(HTMLFormElement, "#password-form").addEventListener("submit", (event) => {
      event.preventDefault();
      flow().guess(this.#password.value);
    });
  }

  /** @param {State} state */
  show(state) {
    const { screen } = state;
    if (screen === "consent") this.#showConsent(state);
    else if (screen === "password") this.#showPassword(state);
    else if (screen === "refused") write(find("refused-why"), state.problem ? spell(state.problem) : "");
    else if (screen === "ended") this.#showEnd(state);
    if (screen === this.#screen) return;
    this.#screen = screen;
    if (screen === "password") this.#password.focus();
    if (screen === "ended") find("ended-title").focus();
  }

  /** @param {State} state */
  #showConsent(state) {
    const { promise, assets, browser, channel } = state;
    find("lowered").hidden = !state.lowered;
    const taps = promise?.cameras === false; // then nothing else leaves
    write(find("lead"), say(taps ? "join.lead_taps" : "join.lead"));
    write(find("leaves-words"), say(taps ? "join.leaves_taps" : "join.leaves_words"));
    write(find("stop-words"), say(taps ? "join.stop.taps" : "join.stop.words"));
    write(find("who"), whoSees(state).map(spell).join(" "));
    find("careful").hidden = browser.secure;
    const notice = promise?.notice ?? "";
    find("notice").hidden = !notice;
    write(find("notice-of"), say("join.notice.of", { channel }));
    write(find("notice-text"), notice);
    const hindrance = obstacle(state);
    this.#camera.disabled = hindrance !== null;
    write(find("obstacle"), hindrance ? spell(hindrance) : "");
    const size = hindrance ? null : download(assets);
    write(find("size"), size ? spell(size) : "");
    find("on-phone").hidden = hindrance !== null || !browser.phone;
    find("at-desk").hidden = hindrance !== null || browser.phone;
    find("neither").hidden = state.link !== "off"; // who only turns to the camera has joined
  }

  /** @param {State} state */
  #showPassword({ relay, channel, guessed }) {
    write(find("password-title"), say("join.password.title", { channel }));
    write(find("password-lead"), say("join.password.lead", { relay: hostOf(relay) }));
    write(find("password-wrong"), guessed ? say("join.password.wrong", { channel }) : "");
    this.#password.toggleAttribute("aria-invalid", guessed);
  }

  /** @param {State} state */
  #showEnd({ channel, problem }) {
    write(find("ended-title"), say("join.ended.title", { channel }));
    write(find("ended-why"), problem ? spell(problem) : "");
  }
}

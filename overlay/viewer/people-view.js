// Who chose to be shown by name, and the choice to be one of them.

import { find, make, only, picture, write } from "../dom.js";
import { say } from "../texts.js";
import { gridAllowed, nameOf, whyNotShown } from "./state.js";
import { spell } from "./words.js";

/** @import { Flow } from "./flow.js" */
/** @import { Person, State } from "./state.js" */

export class PeopleView {
  #details = only(HTMLDetailsElement, "#people");
  #list = only(HTMLUListElement, "#people-list");
  #none = find("people-none");
  #more = find("people-more");
  #form = only(HTMLFormElement, "#show-form");
  #name = only(HTMLInputElement, "#name");
  #wrong = find("name-wrong");
  #showMe = only(HTMLButtonElement, "#show-me");
  #shownAs = find("shown-as");
  #withdraw = find("withdraw");
  /** @type {Person[] | null} */
  #people = null;

  /** @param {() => Flow} flow that runs now */
  constructor(flow) {
    this.#details.addEventListener("toggle", () => flow().look(this.#details.open));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = nameOf(this.#name.value);
      write(this.#wrong, name ? "" : say("join.people.wrong"));
      this.#name.setAttribute("aria-invalid", String(!name));
      if (name) flow().show(name);
      else this.#name.focus();
    });
    this.#withdraw.addEventListener("click", () => {
      flow().withdraw();
      this.#name.focus();
    });
  }

  /** @param {State} state */
  show(state) {
    this.#details.hidden = !gridAllowed(state);
    this.#form.hidden = state.shown;
    this.#withdraw.hidden = !state.shown;
    const why = whyNotShown(state);
    this.#showMe.disabled = why !== null;
    write(this.#shownAs, state.shown ? say("join.people.as", { name: state.name }) : why ? spell(why) : "");
    if (state.people !== this.#people) this.#draw(state.people);
    this.#none.hidden = state.people.length > 0;
    write(this.#more, state.more ? say("join.people.more", { count: state.more }) : "");
  }

  /** @param {Person[]} people */
  #draw(people) {
    this.#people = people;
    this.#list.replaceChildren(...people.map(({ name, emotion }) => {
      const item = make("li");
      const face = picture(emotion ?? "neutral");
      face.toggleAttribute("data-pale", !emotion);
      item.append(face, make("b", { textContent: name, dir: "auto" }),
        make("span", { textContent: say(emotion ? `join.label.${emotion}` : "join.people.untold") }));
      return item;
    }));
  }
}

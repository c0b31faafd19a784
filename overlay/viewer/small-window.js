// The page's live part in a small window above all others, where the browser has such windows: beside the stream.

import { find } from "../dom.js";

const SIZE = { width: 360, height: 560 };

/** @typedef {{ requestWindow: (size: typeof SIZE) => Promise<Window>, window: Window | null }} DocumentPictures */

/** @returns {DocumentPictures | undefined} */
const pictures = () => /** @type {any} */ (window).documentPictureInPicture;

export class SmallWindow {
  #live = find("live");
  #main = find("main");
  #placeholder = find("in-small");
  #button = find("small");

  /** @param {() => void} moved called when the live part is in another window */
  constructor(moved) {
    this.moved = moved;
    this.#button.hidden = !pictures();
    this.#button.addEventListener("click", () => this.#open());
    find("back").addEventListener("click", () => this.close());
  }

  async #open() {
    const small = await pictures()?.requestWindow(SIZE).catch(() => null); // the browser says no: all stays as it is
    if (!small) return;
    const { document: there } = small;
    there.title = document.title;
    there.documentElement.lang = document.documentElement.lang;
    there.documentElement.dataset.scheme = document.documentElement.dataset.scheme;
    there.body.className = "small-window";
    there.body.dataset.screen = "live";
    // A link: the window has the page's policy, under which no style may stand in it.
    const sheet = there.createElement("link");
    Object.assign(sheet, { rel: "stylesheet", href: new URL("../join.css", import.meta.url).href });
    there.head.append(sheet);
    there.body.append(this.#live);
    this.#button.hidden = true;
    this.#placeholder.hidden = false;
    this.moved();
    small.addEventListener("pagehide", () => this.#home());
  }

  /** Close it; its part comes home. */
  close() {
    pictures()?.window?.close();
  }

  #home() {
    this.#main.insertBefore(this.#live, this.#placeholder);
    this.#placeholder.hidden = true;
    this.#button.hidden = false;
    this.moved();
  }
}

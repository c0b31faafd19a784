// The panel: its elements show a view. Which of them a layout has, and where, is said by layouts.css.

import { MoodBar } from "./bar.js";
import { EXPRESSIONS, pictureUrl } from "./contract.js";
import { make, only, write } from "./dom.js";
import { percent, shareOf, wordOf } from "./figures.js";
import { fit } from "./fit.js";
import { Lines } from "./lines.js";
import { isCalm } from "./motion.js";
import { Ring } from "./ring.js";
import { say } from "./texts.js";
import { Wave } from "./wave.js";

/** @import { Options } from "./options.js" */
/** @import { View } from "./view.js" */

/** @param {string} name of a class */
const find = (name) => only(HTMLElement, `.moodcast-${name}`);

/**
 * What a layout has besides the bar.
 *
 * @param {Options["layout"]} layout
 * @param {HTMLElement} root
 */
function ownPart(layout, root) {
  if (layout === "compact") return new Ring(find("ring"));
  if (layout === "vertical") return new Lines(find("lines"));
  if (layout === "wave") return new Wave(find("stream"), !isCalm(root));
  return null;
}

export class Panel {
  /**
   * @param {HTMLElement} root gets the view's state, and what there is no room for
   * @param {Options} options
   */
  constructor(root, options) {
    this.root = root;
    this.panel = find("panel");
    this.isOff = options.bar === "off" || options.layout === "reactions";
    this.picture = only(HTMLImageElement, "img", find("leader"));
    this.bar = new MoodBar(find("bar"));
    this.own = ownPart(options.layout, root);
    this.title(options.title || (options.source === "demo" ? say("overlay.preview") : ""));
    find("note").hidden = options.note === "off";
    for (const name of EXPRESSIONS) {
      const longest = make("span");
      longest.dataset.words = shareOf(1, wordOf(name));
      find("leader-room").append(longest);
    }
    this.lines = ["leader-words", "leader-room", "leader-text", "figures", "sharing", "tune"].map(find);
    this.texts = "";
    const observer = new ResizeObserver(() => this.#fit());
    [root, this.panel].forEach((element) => observer.observe(element));
    document.fonts.addEventListener("loadingdone", () => this.#fit()); // its words may be wider in the page's own font
  }

  /** @param {string} text */
  title(text) {
    find("title").hidden = !text;
    write(find("title"), text);
  }

  /** @param {View} view */
  show(view) {
    this.root.dataset.state = view.state;
    this.bar.show(view.shares);
    this.own?.show(view);
    this.#face(view.face);
    write(find("leader-text"), view.words);
    write(find("sharing"), view.sharing);
    find("trend").hidden = !view.trend;
    find("trend").dataset.trend = view.trend > 0 ? "rising" : "falling";
    if (view.trend) write(find("trend-word"), say(view.trend > 0 ? "common.trend.rising" : "common.trend.falling"));
    write(find("tune-value"), view.shares ? percent(view.resonance) : "");
    find("meter-fill").style.transform = `scaleX(${view.resonance.toFixed(3)})`;
    const texts = `${view.state} ${view.trend} ${view.sharing.length}`; // the words' own room does not change
    if (texts !== this.texts) this.#fit();
    this.texts = texts;
  }

  /** @param {string} name of an expression */
  #face(name) {
    if (this.picture.dataset.name === name) return;
    this.picture.dataset.name = name;
    this.picture.src = pictureUrl(name);
    if (isCalm(this.root)) return;
    this.picture.animate([{ transform: "scale(.6)" }, { transform: "scale(1)" }], {
      duration: 350,
      easing: "cubic-bezier(.2,1.6,.5,1)",
    });
  }

  #fit() {
    fit(this.root, this.panel, this.lines);
  }

  /**
   * Say something to the streamer, even where the panel is switched off; nothing if empty.
   *
   * @param {string} sentences
   */
  notice(sentences) {
    this.panel.hidden = this.isOff && !sentences;
    find("notice").hidden = !sentences;
    write(find("notice"), sentences);
  }
}

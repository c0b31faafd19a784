// A saved look in the page's list.

import { make } from "./dom.js";
import { say } from "./texts.js";

/** @import { Preset } from "./settings-look.js" */

/**
 * @param {string} text
 * @param {string} label what it does, and to which one
 * @param {() => void} act
 */
function button(text, label, act) {
  const element = make("button", { type: "button", className: "quiet", textContent: text });
  element.setAttribute("aria-label", label);
  element.addEventListener("click", act);
  return element;
}

/**
 * @param {Preset} preset
 * @param {boolean} isShown
 * @param {{ load: () => void, rename: () => void, remove: () => void }} acts
 */
export function presetItem({ name }, isShown, { load, rename, remove }) {
  const item = make("li");
  const loading = button(name, say("settings.looks.load", { name }), load);
  loading.classList.add("load");
  loading.dir = "auto";
  loading.setAttribute("aria-pressed", String(isShown));
  item.append(loading,
    button(say("settings.looks.rename.button"), say("settings.looks.rename.one", { name }), rename),
    button(say("settings.looks.delete.title"), say("settings.looks.delete.one", { name }), remove));
  return item;
}

// What the settings page tells for a moment, and how a change is taken back.

import { find, write } from "./dom.js";
import { say } from "./texts.js";

const TOLD_MS = 6000;

/** @type {(() => void) | undefined} */
let undo;
/** @type {number | undefined} */
let timer;

/**
 * @param {string} sentence
 * @param {() => void} [back] undoes what was done; offered until something else is told
 */
export function toast(sentence, back) {
  undo = back;
  find("undo").hidden = !back;
  find("toast").classList.add("said");
  write(find("told"), sentence);
  clearTimeout(timer);
  if (!back) timer = setTimeout(() => find("toast").classList.remove("said"), TOLD_MS);
}

/** What could be undone is no longer as it was. */
export function forget() {
  if (!undo) return;
  undo = undefined;
  find("undo").hidden = true;
  find("toast").classList.remove("said");
}

/**
 * @param {string} text
 * @param {HTMLInputElement | HTMLTextAreaElement} field that shows it where the browser gives no clipboard
 * @param {string} sentence
 */
export async function copy(text, field, sentence) {
  try {
    await navigator.clipboard.writeText(text);
    toast(say("settings.told.copied", { more: sentence }));
  } catch { // on plain http, other than this machine's own
    field.value = text;
    field.hidden = false;
    field.select();
    toast(say("settings.told.selected", { more: sentence }));
  }
}

find("undo").addEventListener("click", () => undo?.());

// Single keys that do something on the dashboard. They can be switched off, as who speaks to a computer may want it
// (WCAG 2.1.4), and are never taken from a field, a dialog or the browser.

/** @typedef {"mark" | "countdown" | "rehearse" | "help"} Action */

/**
 * What of a KeyboardEvent counts.
 * @typedef {{ key: string, code: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean, repeat: boolean,
 *   isComposing: boolean }} Pressed
 */

/** @type {Readonly<Record<string, Action>>} */
const ACTIONS = { m: "mark", c: "countdown", t: "rehearse", "?": "help" };
const KEPT_AS = "moodcast-keys";

/**
 * What a key does; null for nothing. Where a keyboard writes other letters (Cyrillic, Kana), its place counts.
 *
 * @param {Pressed} pressed
 */
export function actionOf({ key, code, ctrlKey, altKey, metaKey, repeat, isComposing }) {
  if (ctrlKey || metaKey || repeat || isComposing || key.length !== 1 || (altKey && key !== "?")) return null;
  const name = key.codePointAt(0) ?? 0;
  const wanted = name < 128 ? key.toLowerCase() : code.replace(/^Key/, "").toLowerCase();
  return Object.hasOwn(ACTIONS, wanted) ? ACTIONS[wanted] : null;
}

/** @param {EventTarget | null} target */
const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox]), textarea, select"));

/**
 * Do what the keys say.
 *
 * @param {HTMLInputElement} box the switch; what it says is kept
 * @param {Record<Action, () => void>} deeds
 */
export function listenForKeys(box, deeds) {
  try {
    box.checked = localStorage.getItem(KEPT_AS) !== "off";
  } catch {
    // A browser that keeps nothing.
  }
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(KEPT_AS, box.checked ? "on" : "off");
    } catch {
      // It holds until the page is closed.
    }
  });
  document.addEventListener("keydown", (event) => {
    const action = actionOf(event);
    const isElsewhere = document.body.dataset.page !== "channel" || document.querySelector("dialog[open]");
    if (!action || isElsewhere || isTyping(event.target)) return;
    if (!box.checked && action !== "help") return;
    event.preventDefault();
    deeds[action]();
  });
}

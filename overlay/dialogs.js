// The page's dialogs, each with one form.

import { only } from "./dom.js";

/** @param {string} name */
export const dialogOf = (name) => only(HTMLDialogElement, `#${name}-dialog`);
/** @param {ParentNode} parent */
export const inputOf = (parent) => only(HTMLInputElement, "input", parent);

/**
 * Open a dialog; resolves with whether its form was sent. Escape and its Cancel button close it.
 *
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<boolean>}
 */
export function answered(dialog) {
  const form = only(HTMLFormElement, "form", dialog);
  dialog.returnValue = "";
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      dialog.close("sent");
    };
    only(HTMLElement, "[data-cancel]", dialog).onclick = () => dialog.close();
    dialog.onclose = () => resolve(dialog.returnValue === "sent");
    dialog.showModal();
  });
}

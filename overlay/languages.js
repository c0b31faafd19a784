// The choice of a language on a page for people at a desk.

import { say } from "./texts.js";

/** @typedef {{ name: string, read: boolean }} Known a language's name in itself, and whether a native has read it */

const KEPT_AS = "moodcast-language";

/** Speak the language that was chosen here last, where the address names none. */
export function recallLanguage() {
  const address = new URL(location.href);
  try {
    const kept = localStorage.getItem(KEPT_AS);
    if (!kept || address.searchParams.has("language")) return;
    address.searchParams.set("language", kept);
    history.replaceState(null, "", address);
  } catch {
    // A browser that keeps nothing.
  }
}

/** @param {string} language */
function keepLanguage(language) {
  try {
    localStorage.setItem(KEPT_AS, language);
  } catch {
    // It holds until the page is closed.
  }
}

/**
 * Offer all languages; choosing one opens the page in it. Those that no native has read are marked.
 *
 * @param {HTMLSelectElement} select
 */
export async function offerLanguages(select) {
  /** @type {Record<string, Known>} */
  const known = await (await fetch(new URL("texts/languages.json", import.meta.url))).json();
  select.replaceChildren(new Option(say("common.auto"), "auto"), ...Object.entries(known).map(([tag, { name, read }]) => {
    const option = new Option(read ? name : say("common.unread", { name }), tag);
    option.lang = tag;
    return option;
  }));
  const wanted = new URL(location.href).searchParams.get("language") ?? "auto";
  select.value = wanted in known ? wanted : "auto";
  select.addEventListener("change", () => {
    keepLanguage(select.value);
    const address = new URL(location.href); // as it is by then: a dashboard's key may be another one
    address.searchParams.set("language", select.value);
    location.assign(address);
  });
}

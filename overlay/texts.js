// What the pages say, in the language of who reads it: texts/PART.json has each text in every language.

/**
 * @typedef {string | { [Category in Intl.LDMLPluralRule]?: string }} Text a sentence; or one for each category of a
 *   number, `count`, that the language's grammar tells apart
 */

export const LANGUAGES = ["en", "zh-TW", "zh-CN", "vi", "ru", "ja", "es", "de", "fr"];

/** @type {Record<string, Record<string, Text>>} */
const texts = {};
let language = "en";
let rules = new Intl.PluralRules(language);

/**
 * The language to speak. relay/common/texts.py chooses in the same way.
 *
 * @param {string} wanted one of ours, or anything else for the first that is preferred
 * @param {readonly string[]} preferred as a browser tells them, best first
 */
export function choose(wanted, preferred) {
  if (LANGUAGES.includes(wanted)) return wanted;
  const ours = preferred.map((tag) => {
    const [name, ...rest] = tag.toLowerCase().split("-");
    if (name === "zh") return rest.some((part) => ["tw", "hk", "mo", "hant"].includes(part)) ? "zh-TW" : "zh-CN";
    return name;
  });
  return ours.find((name) => LANGUAGES.includes(name)) ?? "en";
}

/** @param {string} name one of LANGUAGES, for all that is said from now on */
export function speak(name) {
  language = name;
  rules = new Intl.PluralRules(name);
}

/** The language that is spoken. */
export const spoken = () => language;

/**
 * @param {string} part the file's name
 * @param {Record<string, Record<string, Text>>} table its content
 */
export function learn(part, table) {
  for (const [key, text] of Object.entries(table)) texts[`${part}.${key}`] = text;
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/**
 * What somebody wrote, for the middle of a sentence: in its own direction, whatever stands around it.
 *
 * @param {string} text
 */
export const isolated = (text) => (RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text);

/**
 * A text as in `say("overlay.sharing", { count: 12 })`, with `{count}` in it replaced.
 *
 * @param {string} key the part's name, a point, and the key in its file
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  const text = texts[key]?.[language];
  const form = typeof text === "object" ? text[rules.select(Number(values.count))] ?? text.other : text;
  if (form === undefined) throw new Error(`There is no text ${key} in ${language}. Reload the page.`);
  return form.replace(/\{(\w+)\}/g, (_, name) => isolated(String(values[name])));
}

/**
 * What `**strong**` and `` `typed` `` mean in a text of the page's HTML.
 *
 * @param {string} text
 */
function marked(text) {
  return text.split(/(\*\*.+?\*\*|`.+?`)/).filter(Boolean).map((part) => {
    const strong = part.startsWith("**");
    if (!strong && !part.startsWith("`")) return part;
    const element = document.createElement(strong ? "b" : "code");
    element.textContent = strong ? part.slice(2, -2) : part.slice(1, -1);
    return element;
  });
}

/** @type {Record<string, string>} */
const ATTRIBUTES = { sayTitle: "title", sayLabel: "aria-label", sayPlaceholder: "placeholder" };

/**
 * Say all that the page's HTML says in English: `data-say="PART.KEY"` of elements that hold nothing but text, and
 * `data-say-title`, `data-say-label` (of a screen reader) and `data-say-placeholder`.
 *
 * @param {ParentNode} [root]
 */
export function fill(root = document) {
  for (const element of root.querySelectorAll("[data-say]")) {
    element.replaceChildren(...marked(say(element.getAttribute("data-say") ?? "")));
  }
  for (const element of root.querySelectorAll("[data-say-title],[data-say-label],[data-say-placeholder]")) {
    const { dataset } = /** @type {HTMLElement} */ (element);
    for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
      const key = dataset[name];
      if (key) element.setAttribute(attribute, say(key));
    }
  }
}

/**
 * Fetch the texts of these parts; the language is the address's `language`, else the browser's.
 *
 * @param {...string} parts
 */
export async function load(...parts) {
  speak(choose(new URLSearchParams(location.search).get("language") ?? "auto", navigator.languages));
  document.documentElement.lang = language;
  await Promise.all(parts.map(async (part) => {
    learn(part, await (await fetch(new URL(`texts/${part}.json`, import.meta.url))).json());
  }));
}

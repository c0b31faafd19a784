// The settings page: a look is made here, over a preview of it, and taken to OBS as an address. Channel and key stay in the
// page: they come from its own address or from a field, and only what is copied for OBS has the key.

import { BASE, CHANNEL_PATTERN } from "./contract.js";
import { answered, dialogOf, inputOf } from "./dialogs.js";
import { find, make, only, write } from "./dom.js";
import { offerLanguages, recallLanguage } from "./languages.js";
import { isPart, optionControl, propertyControl } from "./settings-controls.js";
import {
  ROWS, adopted, changedRows, cleanLook, cleanPresets, isPlain, isSame, overlayAddress, plainLook, presetName,
  presetsWithoutKey, previewAddress, readAddress, renamedPreset, sharedLink, sharedLook, tellsKey, withPreset, withoutKey,
  withoutPreset,
} from "./settings-look.js";
import { presetItem } from "./settings-presets.js";
import { Preview } from "./settings-preview.js";
import { animate } from "./settings-scenery.js";
import { PROPERTIES, customCss } from "./settings-style.js";
import { copy, forget, toast } from "./settings-toast.js";
import { fill, load, say } from "./texts.js";

/** @import { Row } from "./options.js" */
/** @import { Look, Preset } from "./settings-look.js" */
/** @import { Property } from "./settings-style.js" */
/** @import { Value } from "./settings-controls.js" */

const SOON_MS = 120; // after the last of several changes, the preview follows
const KEPT_LOOK = "moodcast-look";
const KEPT_PRESETS = "moodcast-presets";

recallLanguage();
await load("common", "settings", "options");
fill();
offerLanguages(only(HTMLSelectElement, "#languages"));
document.title = say("settings.title");
const inputs = {
  channel: only(HTMLInputElement, "#name"),
  key: only(HTMLInputElement, "#key"),
  address: only(HTMLInputElement, "#address"),
  css: only(HTMLTextAreaElement, "#css"),
  link: only(HTMLInputElement, "#link"),
  saved: only(HTMLInputElement, "#save-name"),
  pasted: only(HTMLInputElement, "#pasted"),
};
const given = readAddress(location);
const who = { channel: given.channel, key: given.key };
/** @type {Look} */
let look = cleanLook(kept(KEPT_LOOK));
/** @type {Preset[]} */
let presets = [];
/** @type {Look | null} */
let offered = given.look;
/** @type {number | undefined} */
let previewTimer;

// --- what this browser keeps ---------------------------------------------------------------------------------------

/** @param {string} name @returns {unknown} */
function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null");
  } catch { // blocked, or written by something else
    return null;
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean} whether it is there when the page is opened again
 */
function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch { // blocked, or full
    return false;
  }
}

/** @param {Preset[]} next @returns {boolean} whether they are kept */
function setPresets(next) {
  presets = presetsWithoutKey(next, who.key);
  showPresets();
  return keep(KEPT_PRESETS, presets);
}

// Another tab saved or deleted one: this tab's list would undo that with its next change.
window.addEventListener("storage", ({ key }) => {
  if (key !== KEPT_PRESETS && key !== null) return;
  presets = cleanPresets(kept(KEPT_PRESETS));
  showPresets();
  forget();
});

// --- the look -------------------------------------------------------------------------------------------------------

/** @param {Look} next a change by a control */
function change(next) {
  const clean = withoutKey(next, who.key);
  look = clean;
  const isKept = keep(KEPT_LOOK, look);
  show();
  if (clean !== next) toast(say("settings.told.key"));
  else if (!isKept) toast(say("settings.told.not_kept"));
}

/**
 * Another look instead, which can be taken back.
 *
 * @param {Look} next
 * @param {string} sentence
 */
function replace(next, sentence) {
  const before = { look, presets };
  change(next);
  toast(sentence, () => restore(before));
}

/**
 * @param {Preset[]} next
 * @param {string} sentence
 */
function replacePresets(next, sentence) {
  const before = { look, presets };
  const isKept = setPresets(next);
  toast(isKept ? sentence : say("settings.told.not_kept"), () => restore(before));
}

/** @param {{ look: Look, presets: Preset[] }} before */
function restore(before) {
  setPresets(before.presets);
  change(before.look);
  toast(say("settings.told.restored"));
}

/**
 * A row in the language of the page. Languages have their own names.
 *
 * @param {Row} row
 * @returns {Row}
 */
function inWords(row) {
  const words = { label: say(`options.${row.name}.label`), help: say(`options.${row.name}.help`) };
  if (row.kind !== "choice") return { ...row, ...words };
  const values = Object.entries(row.values).map(([value, own]) =>
    [value, row.name === "language" && value !== "auto" ? own : say(`options.${row.name}.values.${value}`)]);
  return { ...row, ...words, values: Object.fromEntries(values) };
}

/** @param {Look} of @returns {[string, string][]} what was changed in it, and to what */
const changesOf = (of) => changedRows(of).map(inWords).map((row) => {
  const value = of.options[row.name];
  return [row.label, row.kind === "choice" ? row.values[value] : String(value)];
});

const controls = ROWS.map((row) => {
  const control = optionControl(inWords(row), (value) => change({ ...look, options: { ...look.options, [row.name]: value } }));
  find(isPart(row) ? "parts" : "look").append(control.element);
  return { row, control };
});

const styles = PROPERTIES.map((property) => {
  const label = say(`${property.part === "expressions" ? "common.expression" : "settings.style"}.${property.name}`);
  const control = propertyControl({ ...property, label }, (value) => {
    const style = { ...look.style };
    if (value === undefined) delete style[property.name];
    else style[property.name] = value;
    change({ ...look, style });
  });
  find(`style-${property.part}`).append(control.element);
  return { property, control };
});

// --- the page -------------------------------------------------------------------------------------------------------

const preview = new Preview(find("stage"), find("screen"), showStyles);

function show() {
  const changed = changedRows(look);
  for (const { row, control } of controls) control.show(look.options[row.name], changed.includes(row));
  showStyles();
  showPresets();
  showOutcome();
  inputs.link.hidden = true; // it was another look's
  only(HTMLButtonElement, "#reset").disabled = only(HTMLButtonElement, "#share").disabled = isPlain(look);
  clearTimeout(previewTimer);
  previewTimer = setTimeout(showPreview, SOON_MS);
}

function showPreview() {
  const seen = offered ? adopted(offered, look) : look;
  preview.show(previewAddress(BASE.href, seen), customCss(seen.style));
}

/** The properties that were changed, and of the others what the theme has. */
function showStyles() {
  for (const { property, control } of styles) {
    const own = look.style[property.name];
    control.show(own ?? usual(property), own !== undefined);
  }
}

/**
 * What a control of a property shows that was not changed.
 *
 * @param {Property} property
 * @returns {Value}
 */
function usual(property) {
  if (property.kind === "font") return "";
  if (property.kind === "length") return Number(/^([\d.]+)em$/.exec(preview.valueOf(property.name))?.[1] ?? property.usual);
  return colourOf(preview.valueOf(property.name)) ?? property.usual ?? "#000000";
}

/**
 * A colour as CSS may write it, in the form that controls have.
 *
 * @param {string} css
 */
function colourOf(css) {
  const pen = make("canvas", { width: 1, height: 1 }).getContext("2d");
  if (!pen || !CSS.supports("color", css)) return undefined;
  pen.fillStyle = css;
  pen.fillRect(0, 0, 1, 1);
  const hex = [...pen.getImageData(0, 0, 1, 1).data].map((part) => part.toString(16).padStart(2, "0")).join("");
  return `#${hex.replace(/ff$/, "")}`;
}

function showOutcome() {
  const ready = Boolean(who.channel && who.key);
  const address = overlayAddress(BASE.href, { channel: who.channel, key: ready ? "•••" : "" }, look);
  inputs.address.value = decodeURI(address).replace(encodeURIComponent("•••"), "•••");
  only(HTMLButtonElement, "#copy").disabled = !ready;
  write(find("address-note"), ready
    ? say("settings.address.note", { size: only(HTMLSelectElement, "#size").value })
    : say("settings.address.missing"));
  const css = customCss(look.style);
  find("css-part").hidden = !css;
  inputs.css.value = css;
  inputs.css.rows = Math.min(8, css.split("\n").length);
  const changes = changesOf(look);
  find("chosen-none").hidden = changes.length > 0;
  find("chosen").replaceChildren(...changes.flatMap(([label, words]) =>
    [make("dt", { textContent: label }), make("dd", { textContent: words, dir: "auto" })]));
}

function showPresets() {
  find("presets-none").hidden = presets.length > 0;
  find("presets").replaceChildren(...presets.map((preset) => presetItem(preset, isSame(preset.look, look), {
    load: () => replace(preset.look, say("settings.told.loaded", { name: preset.name })),
    rename: () => rename(preset.name),
    remove: () => replacePresets(withoutPreset(presets, preset.name), say("settings.told.deleted", { name: preset.name })),
  })));
}

/**
 * The preset's name in a field, which is empty then. An address, or a key, is none.
 *
 * @param {HTMLInputElement} input
 */
function nameIn(input) {
  const typed = input.value;
  input.value = "";
  if (!tellsKey(typed, who.key)) return presetName(typed);
  toast(say("settings.told.key"));
  return "";
}

/** @param {string} name of a preset */
async function rename(name) {
  const dialog = dialogOf("rename");
  const input = inputOf(dialog);
  input.value = name;
  if (!(await answered(dialog))) return;
  const other = nameIn(input);
  if (other && other !== name) replacePresets(renamedPreset(presets, name, other), say("settings.told.renamed", { name: other }));
}

// --- what somebody shared --------------------------------------------------------------------------------------------

function showOffer() {
  find("offered").hidden = !offered;
  if (!offered) return;
  const words = changesOf(offered).map(([label, value]) => `${label}: ${value}`);
  if (Object.keys(offered.style).length) words.push(say("settings.offered.style"));
  write(find("offered-what"), say("settings.offered.what", { changes: words.join(say("common.and")) }));
}

/** @param {boolean} isTaken */
function answerOffer(isTaken) {
  const shared = offered;
  offered = null;
  showOffer();
  history.replaceState(null, "", location.pathname + location.search); // else it would be asked again
  if (isTaken && shared) replace(adopted(shared, look), say("settings.told.taken"));
  else show();
}

// --- start ----------------------------------------------------------------------------------------------------------

function showWho() {
  const known = CHANNEL_PATTERN.test(who.channel);
  write(find("whose"), known ? who.channel : "");
  const dashboard = new URL("dashboard", BASE);
  if (known) dashboard.search = new URLSearchParams({ channel: who.channel }).toString();
  if (known && who.key) dashboard.hash = new URLSearchParams({ key: who.key }).toString();
  only(HTMLAnchorElement, "#dashboard").href = dashboard.href;
}

function readWho() {
  const channel = inputs.channel.value.trim();
  who.key = inputs.key.value.trim();
  const isKey = tellsKey(channel, who.key);
  if (isKey) inputs.channel.value = "";
  who.channel = CHANNEL_PATTERN.test(channel) && !isKey ? channel : "";
  showWho();
  setPresets(presets);
  if (withoutKey(look, who.key) !== look) change(look);
  else showOutcome();
  if (isKey) toast(say("settings.told.key"));
}

/** @param {HTMLFormElement} form @param {() => void} act */
function onSubmit(form, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}

onSubmit(only(HTMLFormElement, "#who"), readWho);
onSubmit(only(HTMLFormElement, "#save"), () => {
  const name = nameIn(inputs.saved);
  if (name) replacePresets(withPreset(presets, { name, look }), say("settings.told.saved", { name }));
});
onSubmit(only(HTMLFormElement, "#paste"), () => {
  offered = sharedLook(inputs.pasted.value);
  write(find("paste-told"), offered ? "" : say("settings.paste.nothing"));
  inputs.pasted.value = ""; // an overlay's address has a key
  showOffer();
  showPreview();
  if (offered) find("offered-take").focus();
});
find("share").addEventListener("click", () =>
  copy(sharedLink(BASE.href, look), inputs.link, say("settings.told.link")));
find("copy").addEventListener("click", () =>
  copy(overlayAddress(BASE.href, who, look), inputs.address, say("settings.told.address")));
inputs.address.addEventListener("blur", showOutcome); // where there is no clipboard the key was selected in it
find("css-copy").addEventListener("click", () =>
  copy(inputs.css.value, inputs.css, say("settings.told.css")));
find("reset").addEventListener("click", () => replace(plainLook(), say("settings.told.reset")));
find("offered-take").addEventListener("click", () => answerOffer(true));
find("offered-leave").addEventListener("click", () => answerOffer(false));
for (const button of document.querySelectorAll("[data-try]")) {
  const what = /** @type {Parameters<Preview["attempt"]>[0]} */ (button.getAttribute("data-try"));
  button.addEventListener("click", () => preview.attempt(what));
}
const ground = only(HTMLSelectElement, "#ground");
ground.addEventListener("change", () => (find("screen").dataset.ground = ground.value));
const size = only(HTMLSelectElement, "#size");
size.addEventListener("change", () => {
  const [width, height] = size.value.split(" × ").map(Number);
  preview.resize(width, height);
  showOutcome();
});
find("change").addEventListener("click", () => {
  find("change").hidden = true;
  find("who").hidden = false;
  inputs.channel.focus();
});
for (const input of [inputs.channel, inputs.key]) input.addEventListener("change", readWho);
window.addEventListener("hashchange", () => location.reload());
inputs.channel.value = who.channel;
inputs.key.value = who.key;
find("who").hidden = Boolean(who.channel && who.key);
find("change").hidden = !find("who").hidden;
animate(only(HTMLCanvasElement, "#scenery"), () => ground.value === "game");
showWho();
showOffer();
setPresets(cleanPresets(kept(KEPT_PRESETS)));
change(look);

// One control for each row of the options table, and for each custom property: built from the row alone, so that a new row
// has one without more.

import { make } from "./dom.js";
import { lengthOf, valueOf } from "./options.js";
import { joined, parted, styleOf } from "./settings-style.js";
import { thumbnail } from "./settings-thumbnails.js";
import { say } from "./texts.js";

/** @import { Row } from "./options.js" */
/** @import { Property } from "./settings-style.js" */

/** @typedef {string | number} Value */
/** @typedef {Extract<Row, { kind: "choice" }>} Choice */
/** @typedef {Extract<Row, { kind: "number" }>} Measure */

/**
 * What shows a value and lets it be changed. `named`: what its label belongs to; `show` tells nobody.
 * @typedef {{ body: HTMLElement, named: HTMLElement, show: (value: Value) => void }} Field
 */

/** @typedef {{ element: HTMLElement, show: (value: Value, changed: boolean) => void }} Control */

const MOST_SEGMENTS = 3; // more values without drawings are a list

let made = 0;
/** @param {string} what */
const newId = (what) => `${what}-${++made}`;

/** @param {Choice} row */
const isSwitch = ({ values }) => Object.keys(values).join() === "on,off";

/** @param {Row} row */
export const isPart = (row) => row.kind === "choice" && isSwitch(row);

// --- fields ---------------------------------------------------------------------------------------------------------

/**
 * @param {(value: Value) => void} onChange
 * @returns {Field}
 */
function toggle(onChange) {
  const input = make("input", { type: "checkbox", className: "toggle" });
  input.setAttribute("role", "switch");
  input.addEventListener("change", () => onChange(input.checked ? "on" : "off"));
  return { body: input, named: input, show: (value) => (input.checked = value === "on") };
}

/**
 * @param {Choice} row
 * @param {(value: Value) => void} onChange
 * @returns {Field}
 */
function radios(row, onChange) {
  const body = make("div", { className: "segments" });
  body.setAttribute("role", "radiogroup");
  body.dataset.of = row.name;
  const group = newId(row.name);
  const inputs = Object.entries(row.values).map(([value, words]) => {
    const label = make("label", { className: "segment" });
    const input = make("input", { type: "radio", name: group, value });
    input.addEventListener("change", () => onChange(value));
    const drawing = thumbnail(row.name, value);
    label.dataset.value = value;
    label.append(input, ...(drawing ? [drawing] : []), make("span", { className: "segment-words", textContent: words }));
    body.append(label);
    return input;
  });
  body.classList.toggle("drawn", body.querySelector("svg, .swatch") !== null);
  return { body, named: body, show: (value) => inputs.forEach((input) => (input.checked = input.value === value)) };
}

/**
 * @param {Choice} row
 * @param {(value: Value) => void} onChange
 * @returns {Field}
 */
function list(row, onChange) {
  const select = make("select");
  select.append(...Object.entries(row.values).map(([value, textContent]) => make("option", { value, textContent })));
  select.addEventListener("change", () => onChange(select.value));
  return { body: select, named: select, show: (value) => (select.value = String(value)) };
}

/**
 * @param {Pick<Measure, "least" | "most" | "step">} row
 * @param {string} label
 * @param {(text: string) => boolean} take whether that was a value
 * @returns {Field}
 */
function slider({ least, most, step }, label, take) {
  const bounds = { min: String(least), max: String(most), step: String(step) };
  const range = make("input", { type: "range", ...bounds });
  const number = make("input", { type: "number", ...bounds, step: "any" });
  number.setAttribute("aria-label", label);
  range.addEventListener("input", () => {
    number.value = range.value;
    take(range.value);
  });
  number.addEventListener("input", () => {
    const taken = take(number.value);
    number.setAttribute("aria-invalid", String(!taken));
    if (taken) range.value = number.value;
  });
  const body = make("div", { className: "slider" });
  body.append(range, number);
  const show = (/** @type {Value} */ value) => {
    range.value = String(value);
    if (document.activeElement !== number) number.value = String(value);
    if (Number(number.value) === value) number.setAttribute("aria-invalid", "false");
  };
  return { body, named: range, show };
}

/**
 * @param {number} longest in signs that a reader sees; 0 for a text that says nothing of its length
 * @param {(text: string) => boolean} take whether that was a value
 * @returns {Field}
 */
function line(longest, take) {
  const input = make("input", { type: "text", spellcheck: false, autocomplete: "off", dir: "auto" });
  const count = make("span", { className: "count" });
  const tell = () => (count.textContent = longest ? `${lengthOf(input.value)} / ${longest}` : "");
  input.addEventListener("input", () => {
    input.setAttribute("aria-invalid", String(!take(input.value)));
    tell();
  });
  const body = make("div", { className: "line" });
  body.append(input, count);
  const show = (/** @type {Value} */ value) => {
    if (document.activeElement !== input || input.getAttribute("aria-invalid") !== "true") input.value = String(value);
    if (input.value === value) input.setAttribute("aria-invalid", "false");
    tell();
  };
  return { body, named: input, show };
}

/**
 * A colour and how much it covers.
 *
 * @param {string} label
 * @param {(value: string) => void} onChange
 * @returns {Field}
 */
function tint(label, onChange) {
  const colour = make("input", { type: "color" });
  const opacity = make("input", { type: "range", min: "0", max: "100" });
  const covers = make("output");
  opacity.setAttribute("aria-label", say("settings.opacity", { option: label }));
  const tell = () => (covers.textContent = `${opacity.value} %`);
  for (const input of [colour, opacity]) {
    input.addEventListener("input", () => {
      tell();
      onChange(joined(colour.value, Number(opacity.value)));
    });
  }
  const body = make("div", { className: "tint" });
  body.append(colour, opacity, covers);
  const show = (/** @type {Value} */ value) => {
    const parts = parted(String(value));
    colour.value = parts.colour;
    opacity.value = String(parts.opacity);
    tell();
  };
  return { body, named: colour, show };
}

// --- controls -------------------------------------------------------------------------------------------------------

/**
 * A field with its name, a button that takes a change back, and its help.
 *
 * @param {{ name: string, label: string, help?: string }} row
 * @param {Field} field
 * @param {() => void} reset
 * @returns {Control}
 */
function framed({ name, label, help }, { body, named, show }, reset) {
  const element = make("div", { className: "option" });
  element.dataset.option = name;
  const isGroup = named.getAttribute("role") === "radiogroup";
  named.id = newId("field");
  const title = isGroup ? make("span", { id: newId("name") }) : make("label", { htmlFor: named.id });
  title.className = "option-name";
  title.textContent = label;
  if (isGroup) named.setAttribute("aria-labelledby", title.id);
  const back = make("button", { type: "button", className: "reset", textContent: say("settings.reset.title") });
  back.setAttribute("aria-label", say("settings.reset.one", { option: label }));
  back.addEventListener("click", () => {
    reset();
    const field = named.querySelector("input:checked") ?? named; // the button is gone: whoever pressed it goes on here
    if (field instanceof HTMLElement) field.focus();
  });
  const head = make("div", { className: "option-head" });
  head.append(title, back);
  element.append(head, body);
  if (help) {
    const text = make("p", { className: "option-help", id: newId("help"), textContent: help.replaceAll("`", "") });
    named.setAttribute("aria-describedby", text.id);
    element.append(text);
  }
  return {
    element,
    show(value, changed) {
      show(value);
      element.toggleAttribute("data-changed", changed);
      back.hidden = !changed;
    },
  };
}

/**
 * @param {Row} row
 * @param {(value: Value) => void} onChange
 * @returns {Control}
 */
export function optionControl(row, onChange) {
  const reset = () => onChange(row.default);
  /** @param {string} text */
  const take = (text) => {
    const value = text === "" ? row.default : valueOf(row, text);
    if (value !== undefined) onChange(value);
    return value !== undefined;
  };
  switch (row.kind) {
    case "choice": {
      if (isSwitch(row)) return framed(row, toggle(onChange), reset);
      const values = Object.keys(row.values);
      const drawn = thumbnail(row.name, values[0]) !== null;
      return framed(row, drawn || values.length <= MOST_SEGMENTS ? radios(row, onChange) : list(row, onChange), reset);
    }
    case "number":
      return framed(row, slider(row, row.label, take), reset);
    case "text":
      return framed(row, line(row.longest, take), reset);
    default:
      throw new Error(`The option ${row.name} has no control: ${row.kind} says nothing of a look.`);
  }
}

/**
 * @param {Property & { label: string }} property
 * @param {(value: string | undefined) => void} onChange undefined: as the theme has it
 * @returns {Control}
 */
export function propertyControl(property, onChange) {
  const reset = () => onChange(undefined);
  /** @param {string} text */
  const take = (text) => {
    const value = styleOf(property, text);
    if (value !== undefined || text === "") onChange(value);
    return value !== undefined || text === "";
  };
  switch (property.kind) {
    case "colour":
      return framed(property, tint(property.label, onChange), reset);
    case "font":
      return framed(property, line(0, take), reset);
    case "length":
      return framed(property, slider(property, property.label, take), reset);
  }
}

// Messages that docs/protocol.json allows.

import { readFileSync } from "node:fs";

export const CONTRACT = JSON.parse(readFileSync(new URL("../../docs/protocol.json", import.meta.url), "utf-8"));

/** A value that a JSON Schema allows, the least there is. */
function example(schema) {
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return example(schema.anyOf[0]);
  if (schema.type === "array") return Array.from({ length: schema.minItems ?? 0 }, () => example(schema.items));
  if (schema.type === "boolean") return true;
  if (schema.type === "string") return "text";
  return schema.minimum ?? 0;
}

/** A message as the contract says it; `required`: with what must be there alone. */
export function message(kind, { required: only = false } = {}) {
  const { properties, required } = CONTRACT.messages[kind];
  const names = Object.keys(properties).filter((name) => !only || required.includes(name));
  const made = Object.fromEntries(names.map((name) => [name, example(properties[name])]));
  return "kind" in made ? { ...made, kind: "expression", name: "happy" } : made;
}

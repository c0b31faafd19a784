// The pages' texts without a page: all parts are known, in English. Import this where what is tested says something.

import { readFileSync, readdirSync } from "node:fs";

import { learn } from "../../overlay/texts.js";

const FOLDER = new URL("../../overlay/texts/", import.meta.url);

for (const name of readdirSync(FOLDER)) {
  if (name !== "languages.json") learn(name.replace(".json", ""), JSON.parse(readFileSync(new URL(name, FOLDER), "utf-8")));
}

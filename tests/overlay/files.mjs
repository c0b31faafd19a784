// Node's fetch knows no file: addresses, from which the pages' modules have their tables here. Import this first.

import { readFile } from "node:fs/promises";

const over = globalThis.fetch;
globalThis.fetch = async (address, ...rest) =>
  new URL(address).protocol === "file:" ? new Response(await readFile(new URL(address))) : over(address, ...rest);

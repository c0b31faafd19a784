// Runs what overlay/reading has of the agent's Python for tests that compare the two: cases as JSON come on the standard
// input, and the answers go to the standard output.

/** Lists of numbers, large ones, come and go as base64 of their bytes. */
const KINDS = { Float64Array, Float32Array, Uint8Array, Uint8ClampedArray };

const told = (_, value) => {
  if (value?.kind === "Infinity") return value.sign * Infinity;
  if (!KINDS[value?.kind]) return value;
  const bytes = Buffer.from(value.base64, "base64");
  return new KINDS[value.kind](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

const said = (_, value) => {
  const kind = value?.constructor?.name;
  if (!KINDS[kind]) return value === undefined ? null : value;
  return { kind, base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
};

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { module, cases } = JSON.parse(text, told);
const port = await import(`../../overlay/reading/${module}.js`);

/** A function's answer; or, of a class, the answers to all calls of one object, and a property where no call is meant. */
function answer({ name, args, calls }) {
  if (!calls) return port[name](...args);
  const object = new port[name](...args);
  return calls.map(([method, ...given]) =>
    typeof object[method] === "function" ? object[method](...given) : object[method]);
}

process.stdout.write(JSON.stringify(cases.map(answer), said));

// What becomes of the relay's answers: overlay/requests.js, overlay/recognise.js. The server is made up.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Refusal, about, look } from "../../overlay/recognise.js";
import { Refused, request } from "../../overlay/requests.js";

/** Let the server answer so, the last answer again and again; returns what it is asked. */
function serve(t, ...answers) {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (address, options) => {
    asked.push({ address: String(address), ...options });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    const [status, body, headers = {}] = answer;
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
  });
  return asked;
}

const refusal = (name, message) => ({ error: { code: 4502, name, message } });

test("a request has the key in a header, and follows no redirect with it", async (t) => {
  const asked = serve(t, [200, { sessions: [] }]);
  const response = await request("my channel", "k3y", "sessions");
  assert.deepEqual(await response.json(), { sessions: [] });
  assert.ok(asked[0].address.endsWith("/v1/channels/my%20channel/sessions"));
  assert.ok(!asked[0].address.includes("k3y"));
  assert.equal(asked[0].headers.Authorization, "Bearer k3y");
  assert.equal(asked[0].redirect, "error");
  assert.equal(asked[0].cache, "no-store");
});

test("a body is sent as JSON", async (t) => {
  const asked = serve(t, [201, {}]);
  await request("demo", "k", "markers", "POST", { text: "x" });
  assert.equal(asked[0].headers["Content-Type"], "application/json");
  assert.deepEqual([asked[0].method, asked[0].body], ["POST", '{"text":"x"}']);
});

test("a refusal is told in the relay's words, and where there are none with the status", async (t) => {
  serve(t, [401, refusal("wrong_key", "The key does not open this channel.")], [502, "<html>"]);
  const refused = (message, status) => (error) =>
    error instanceof Refused && error.message === message && error.status === status;
  await assert.rejects(request("demo", "k", "sessions"), refused("The key does not open this channel.", 401));
  await assert.rejects(request("demo", "k", "sessions"), refused("The relay answered 502.", 502));
});

test("a relay that is away is told", async (t) => {
  serve(t, new TypeError("Failed to fetch"));
  await assert.rejects(request("demo", "k", "sessions"), { message: "The relay does not answer.", status: 0 });
  await assert.rejects(about(), { message: "The relay does not answer: see that it still runs.", retryAfter: null });
});

test("a busy relay is asked again, a few times, and not for what changes something", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const busy = [503, refusal("full", "Others read."), { "Retry-After": "2" }];
  const asked = serve(t, busy);
  await assert.rejects(request("demo", "k", "countdown", "POST", {}), { message: "Others read." });
  assert.equal(asked.length, 1);

  const ends = request("demo", "k", "sessions/1").then(() => "read", (error) => error.message);
  let said;
  ends.then((word) => { said = word; });
  for (let turn = 0; said === undefined && turn < 1000; turn++) {
    await new Promise(setImmediate);
    mock.timers.tick(3000);
  }
  assert.equal(said, "Others read.");
  assert.equal(asked.length, 1 + 5);
});

test("a picture is sent as what it is, and the model by name", async (t) => {
  const nobody = { model: "a b", width: 8, height: 8, faces: [], milliseconds: { load: 0, decode: 1, find: 1, classify: 0 } };
  const asked = serve(t, [200, nobody]);
  assert.deepEqual(await look(new Blob(["x"], { type: "image/png" }), "a b"), nobody);
  await look(new Blob(["x"], { type: "text/html" }), "m");
  assert.ok(asked[0].address.endsWith("v1/try?model=a%20b"));
  assert.deepEqual(asked.map(({ headers }) => headers["Content-Type"]), ["image/png", "application/octet-stream"]);
  assert.ok(asked.every(({ redirect, method }) => redirect === "error" && method === "POST"));
});

test("a recogniser that asks for patience says for how long", async (t) => {
  serve(t, [503, refusal("full", "Three at once."), { "Retry-After": "1" }], [404, "nothing"]);
  const patience = (seconds) => (error) => error instanceof Refusal && error.retryAfter === seconds;
  await assert.rejects(look(new Blob([]), "m"), patience(1));
  await assert.rejects(look(new Blob([]), "m"), { message: "The relay answered with status 404.", retryAfter: null });
});

// Plays what test_sending_twins.py makes up with overlay/viewer/sending.js: a line of JSON in, a line of JSON out.

import { createInterface } from "node:readline";

import { promisesLess } from "../../overlay/viewer/consent.js";
import { Allowance, Backoff, Notes, Sender } from "../../overlay/viewer/sending.js";

/** As `Wire` of tests/agent/test_sending.py: a perfect client takes each message at the very moment it is due. */
function sender(script) {
  const one = new Sender(), sent = [];
  let now = 50;
  const pass = (seconds) => {
    const until = now + seconds;
    for (let step; (step = one.next(now)) && step.at <= until;) {
      now = Math.max(now, step.at);
      sent.push([now, one.take(now)]);
    }
    now = until;
  };
  for (const [gap, what, reading, heartbeat] of script) {
    pass(gap);
    if (what === "observe") one.observe(now, reading);
    else if (what === "opened") one.opened(heartbeat);
    else one[what]();
  }
  pass(20);
  return sent;
}

function allowance(script) {
  const one = new Allowance();
  let now = 50;
  return script.map(([gap, what]) => {
    now += gap;
    return one[what](now) ?? null;
  });
}

function notes(gaps) {
  const one = new Notes();
  let now = 50;
  return gaps.map((gap) => one.passes(now += gap));
}

function backoff([losses, chances]) {
  let drawn = 0;
  const one = new Backoff(() => chances[drawn++ % chances.length]);
  return losses.map(([lasted, asked]) => one.wait(lasted, asked));
}

const consent = (cases) => cases.map(([now, agreed]) => promisesLess(now, agreed));

const PLAYED = { consent, sender, allowance, notes, backoff };
for await (const line of createInterface({ input: process.stdin })) {
  const [what, script] = JSON.parse(line);
  console.log(JSON.stringify(PLAYED[what](script)));
}

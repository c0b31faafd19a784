// The overlay page: takes moods and reactions from the relay, from the OBS script or from a made-up audience.

import { listen } from "./pushed.js"; // first: it keeps what is pushed while the others load

import { subscribe } from "./connection.js";
import { Countdown } from "./countdown.js";
import { play } from "./demo.js";
import { only } from "./dom.js";
import { guarded } from "./guard.js";
import { MomentBanner } from "./moment.js";
import { followMotion } from "./motion.js";
import { canSubscribe, readOptions } from "./options.js";
import { Panel } from "./panel.js";
import { Reactions } from "./reactions.js";
import { Streamer } from "./streamer.js";
import { fill, load, say } from "./texts.js";
import { atRest, placed, viewOf } from "./view.js";

/** @import { Mood } from "./protocol.d.ts" */
/** @import { View } from "./view.js" */

const PATIENCE_MS = 1500; // before "Connecting" is said
const REHEARSED = 0.3; // how strong a reaction looks that nobody had
const STALE_MS = 6000; // without news; a relay's tick takes 5 s at most
const LOST_MS = 3000; // without the line: a relay that only restarts is back before

/** @param {string} name of a class */
const find = (name) => only(HTMLElement, `.moodcast-${name}`);
const root = only(HTMLElement, ".moodcast");

await load("common", "overlay");
fill();
const { options, problems } = readOptions(location);
const { edge, side } = placed(options);
const { layout, theme } = options;
Object.assign(root.dataset, { layout, theme, position: edge, side });
document.documentElement.dataset.theme = theme; // where a streamer's own :root { ... } can win
followMotion(root, options.motion);
root.style.setProperty("--moodcast-scale", String(options.scale));
const panel = new Panel(root, options);
const reactions = new Reactions(find("reactions"), edge === "top" ? 1 : -1);
const banner = new MomentBanner(find("reactions"));
const streamer = new Streamer(find("streamer"));
const countdown = new Countdown(root);

/** @type {View | null} */
let shown = null; // nothing before the first news, and while the line has ended for good
let hasStopped = false;
/** @type {number | undefined} */
let staleTimer;
/** @type {number | undefined} */
let lostTimer;

/** @param {View} view */
function show(view) {
  panel.show(view);
  shown = view;
}

/** @param {Mood} mood */
function showMood(mood) {
  fresh();
  if (hasStopped) panel.notice(problems.join("\n")); // the OBS script was set right
  hasStopped = false;
  show(viewOf(mood, shown, options));
  streamer.compare(mood);
  if (!mood.visible) banner.hide();
}

/** News came: whatever is shown is not old, for now. */
function fresh() {
  delete root.dataset.stale;
  clearTimeout(lostTimer);
  lostTimer = undefined;
  clearTimeout(staleTimer);
  staleTimer = setTimeout(rest, STALE_MS);
}

/** The line is lost, for now. */
function lose() {
  lostTimer ??= setTimeout(rest, LOST_MS);
}

/** What is shown is old: no figure of it stays. */
function rest() {
  if (!shown) return;
  root.dataset.stale = "";
  banner.hide();
  show(atRest("resting", say(options.source === "obs" ? "overlay.no_news" : "overlay.reconnecting")));
}

/** @param {string} sentence */
function stop(sentence) {
  clearTimeout(staleTimer);
  hasStopped = true;
  shown = null;
  root.dataset.state = "stopped";
  panel.notice([...problems, sentence].join("\n"));
}

const receive = guarded((message) => {
  if (message.type === "mood") showMood(message);
  else if (["reaction", "rehearsal", "moment"].includes(message.type) && countdown.shown) return; // together they would flash
  else if (message.type === "reaction" && options.reactions === "on") reactions.show(message);
  else if (message.type === "rehearsal" && options.reactions === "on") {
    reactions.show({ ...message, strength: REHEARSED, count: 0 }, say("overlay.test"));
  } else if (message.type === "moment" && options.moments === "on") banner.show(message);
  else if (message.type === "face" && options.streamer === "on") streamer.show(message);
  else if (message.type === "countdown") {
    countdown.show(message);
    if (countdown.shown) banner.hide();
  } else if (message.type === "bye") stop(message.message);
});

function start() {
  if (options.source === "demo") {
    play(receive);
  } else if (options.source === "obs") {
    sayConnecting(say("overlay.waiting_for_obs"));
    listen(receive);
  } else if (canSubscribe(options)) {
    subscribe(options, receive, (now) => {
      if (now.name === "stopped") stop(now.sentence);
      else if (now.name === "retrying") lose();
    });
    sayConnecting(say("overlay.connecting"));
  } else {
    root.dataset.state = "stopped";
  }
}

/** @param {string} text */
function sayConnecting(text) {
  setTimeout(() => {
    if (!shown && !hasStopped) show(atRest("connecting", text));
  }, PATIENCE_MS);
}

root.hidden = false;
panel.notice(problems.join("\n"));
start();
window.addEventListener("hashchange", () => location.reload());

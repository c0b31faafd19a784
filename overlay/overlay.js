// The overlay page: takes moods and reactions from the relay, from the OBS script or from a made-up audience.

import { listen } from "./pushed.js"; // first: it keeps what is pushed while the others load

import { MoodBar } from "./bar.js";
import { subscribe } from "./connection.js";
import { EXPRESSIONS, WORDS, applyPalette, pictureUrl } from "./contract.js";
import { Countdown } from "./countdown.js";
import { play } from "./demo.js";
import { only, write } from "./dom.js";
import { hiddenWords, leader, percent } from "./figures.js";
import { MomentBanner } from "./moment.js";
import { canSubscribe, readOptions } from "./options.js";
import { Reactions } from "./reactions.js";
import { Streamer } from "./streamer.js";

/** @import { Message } from "./contract.js" */
/** @import { Mood } from "./protocol.d.ts" */

const PATIENCE_MS = 1500; // before "Connecting" is said
const STALE_MS = 6000; // without news; a relay's tick takes 5 s at most
/**
 * From how many em of width on the panel's row has room for these, besides the leading expression.
 * @type {[number, string][]}
 */
const ROOM = [[46, "title"], [37, "meter"], [31, "tune"], [21, "figures"]];

/** @param {string} name of a class */
const find = (name) => only(HTMLElement, `.moodcast-${name}`);
const root = only(HTMLElement, ".moodcast");
const leaderPicture = only(HTMLImageElement, "img", find("leader"));
const { options, problems } = readOptions(location);

applyPalette(); // not awaited: the OBS script may send its first events now, and the panel fades in anyway
root.dataset.position = options.position;
root.style.setProperty("--moodcast-scale", String(options.scale));
find("title").textContent = options.title || (options.source === "demo" ? "Preview with a made-up audience" : "");
const bar = new MoodBar(find("bar"));
const reactions = new Reactions(find("reactions"), options.position === "top" ? 1 : -1);
const banner = new MomentBanner(find("reactions"));
const streamer = new Streamer(find("streamer"));
const countdown = new Countdown(root);

let state = "loading";
let named = -1; // index of the expression that is named as leading
/** @type {number | undefined} */
let staleTimer;

/** @param {string} name */
function enter(name) {
  if (state === name) return;
  state = root.dataset.state = name;
}

/** @param {string} name of an expression */
function showPicture(name) {
  if (leaderPicture.dataset.name === name) return;
  leaderPicture.dataset.name = name;
  leaderPicture.src = pictureUrl(name);
  leaderPicture.animate([{ transform: "scale(.6)" }, { transform: "scale(1)" }], {
    duration: 350,
    easing: "cubic-bezier(.2,1.6,.5,1)",
  });
}

/** @param {Mood} mood */
function showMood(mood) {
  fresh();
  if (state === "stopped") notice(problems.join("\n")); // the OBS script was set right
  enter(mood.visible ? "live" : "waiting");
  bar.show(mood.visible ? mood.shares : null);
  streamer.compare(mood);
  write(find("sharing"), mood.visible ? `${mood.sharing} sharing` : "");
  if (mood.visible) {
    named = leader(mood.shares, named);
    showPicture(EXPRESSIONS[named]);
    write(find("leader-text"), `${percent(mood.shares[named])} ${WORDS[EXPRESSIONS[named]]}`);
    write(find("tune-value"), percent(mood.resonance));
    find("meter-fill").style.transform = `scaleX(${mood.resonance.toFixed(3)})`;
  } else {
    banner.hide();
    named = -1;
    showPicture("neutral");
    write(find("leader-text"), hiddenWords(mood));
  }
}

/** News came: whatever is shown is not old, for now. */
function fresh() {
  delete root.dataset.stale;
  clearTimeout(staleTimer);
  staleTimer = setTimeout(() => {
    root.dataset.stale = "";
    write(find("sharing"), options.source === "obs" ? "No news from the OBS script" : "Reconnecting…");
  }, STALE_MS);
}

/** @param {string} sentence */
function stop(sentence) {
  clearTimeout(staleTimer);
  enter("stopped");
  notice([...problems, sentence].join("\n"));
}

/**
 * Say something to the streamer in the panel, even where it is switched off; nothing if empty.
 *
 * @param {string} sentences
 */
function notice(sentences) {
  find("panel").hidden = options.bar === "off" && !sentences;
  find("notice").hidden = !sentences;
  write(find("notice"), sentences);
}

/** @param {Message} message */
function receive(message) {
  if (message.type === "mood") showMood(message);
  else if (message.type === "reaction" && options.reactions === "on") reactions.show(message);
  else if (message.type === "moment" && options.moments === "on") banner.show(message);
  else if (message.type === "face" && options.streamer === "on") streamer.show(message);
  else if (message.type === "countdown") countdown.show(message);
  else if (message.type === "bye") stop(message.message);
}

function start() {
  if (options.source === "demo") {
    play(receive);
  } else if (options.source === "obs") {
    sayConnecting("Waiting for the Moodcast script in OBS…");
    listen(receive);
  } else if (canSubscribe(options)) {
    subscribe(options, receive, (now) => now.name === "stopped" && stop(now.sentence));
    sayConnecting("Connecting to the relay…");
  } else {
    enter("stopped");
  }
}

/** @param {string} text */
function sayConnecting(text) {
  setTimeout(() => {
    if (state !== "loading") return;
    enter("connecting");
    showPicture("neutral");
    write(find("leader-text"), text);
  }, PATIENCE_MS);
}

new ResizeObserver(([{ contentRect, target }]) => {
  const width = contentRect.width / parseFloat(getComputedStyle(target).fontSize);
  root.dataset.tooNarrowFor = ROOM.filter(([least]) => width < least).map(([, name]) => name).join(" ");
}).observe(find("panel"));
root.dataset.state = state;
root.hidden = false;
notice(problems.join("\n"));
start();
window.addEventListener("hashchange", () => location.reload());

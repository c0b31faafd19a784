// The streamer's dashboard: the live mood and the reactions. What is stored of them is session.js's.

import { Admin } from "./admin.js";
import { airOf, viewersSaid } from "./air.js";
import { MoodBar } from "./bar.js";
import { subscribe } from "./connection.js";
import { BASE, EXPRESSIONS, pictureUrl } from "./contract.js";
import { Controls } from "./controls.js";
import { answered, dialogOf } from "./dialogs.js";
import { find, make, only, picture, write as writeTo } from "./dom.js";
import { FeedList } from "./feedlist.js";
import {
  hiddenWords, leader, percent, resonanceWords, shareOf, trendWords, valenceWords, wordOf,
} from "./figures.js";
import { Invite } from "./invite.js";
import { Keys } from "./keys.js";
import { offerLanguages, recallLanguage } from "./languages.js";
import { canSubscribe, readOptions } from "./options.js";
import { People } from "./people.js";
import { Sessions } from "./session.js";
import { listenForKeys } from "./shortcuts.js";
import { fill, load, say } from "./texts.js";

/** @import { State } from "./connection.js" */
/** @import { Message } from "./contract.js" */
/** @import { Mood, Status } from "./protocol.d.ts" */

recallLanguage();
await load("common", "dashboard", "session");
fill();
const { options, problems } = readOptions(location);
const { channel } = options;
let { key } = options;
const form = only(HTMLFormElement, "#open");
const inputs = {
  channel: only(HTMLInputElement, "[name=channel]", form),
  key: only(HTMLInputElement, "[name=key]", form),
};
const leaderPicture = only(HTMLImageElement, "#leader-picture");
/** @type {MoodBar} */
let bar;
/** @type {Controls} */
let controls;
/** @type {Sessions} */
let sessions;
const feed = new FeedList();
/** @type {{ line: State["name"], status: Status | null, mood: Mood | null }} */
const heard = { line: "connecting", status: null, mood: null };
let named = -1;
/** @type {{ on: boolean, state: State | null }} */
const held = { on: false, state: null }; // how the line stands is shown once a key is replaced

/** @param {number} value */
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

/**
 * @param {string} id
 * @param {string} text
 */
const write = (id, text) => writeTo(find(id), text);

/** @param {string} text empty takes the last one away */
function alertUser(text) {
  find("alert").hidden = !text;
  write("alert", text);
}

// --- the live part ------------------------------------------------------------------------------------------------

/** @param {Mood} mood */
const hasTapsAlone = ({ cameras, paused }) => cameras === false && !paused;

/** @param {Mood} mood */
function showMood(mood) {
  heard.mood = mood;
  showAir();
  feed.draw();
  bar.show(mood.visible ? mood.shares : null);
  leaderPicture.parentElement?.classList.toggle("waiting", !mood.visible);
  named = mood.visible ? leader(mood.shares, named) : -1;
  const address = pictureUrl(EXPRESSIONS[named] ?? "neutral");
  if (leaderPicture.src !== address) leaderPicture.src = address;
  write("leader", mood.visible
    ? shareOf(mood.shares[named], wordOf(EXPRESSIONS[named]))
    : hasTapsAlone(mood) ? say("dashboard.taps_only") : hiddenWords(mood));
  [...find("legend").children].forEach((item, index) => {
    writeTo(only(HTMLElement, "b", item), mood.visible ? percent(mood.shares[index]) : "–");
    item.toggleAttribute("data-none", !(mood.shares[index] > 0));
  });
  // How many are connected is told always: else nobody could tell a relay that viewers don't reach from one that waits.
  const viewers = viewersSaid(mood.viewers);
  write("sharing", mood.visible ? String(mood.sharing) : "–");
  write("viewers", mood.visible ? say("dashboard.of_viewers", { viewers }) : say("dashboard.connected", { viewers }));
  /**
   * @param {string} id
   * @param {string} value
   * @param {string} words
   */
  const figure = (id, value, words) => {
    write(id, mood.visible ? value : "–");
    write(`${id}-words`, mood.visible ? words : "");
  };
  figure("valence", signed(mood.valence), valenceWords(mood.valence));
  figure("trend", signed(mood.trend), trendWords(mood.trend));
  figure("resonance", percent(mood.resonance), resonanceWords(mood.resonance));
  sessions.mood(mood);
}

/** @param {Message} message */
function receive(message) {
  if (message.type === "mood") showMood(message);
  else if (message.type === "reaction") {
    feed.add(message);
    sessions.reaction(message);
  } else if (message.type === "marker") sessions.marker(message);
  else if (message.type === "countdown") controls.followCountdown();
  else if (message.type === "status") {
    heard.status = message;
    showAir();
    alertUser(message.warnings?.join("\n") ?? "");
    sessions.status(message.session);
    controls.followCountdown();
  }
}

function showAir() {
  const { name, words, watching } = airOf(heard.line, heard.status, heard.mood);
  find("line").dataset.line = heard.line;
  find("line").dataset.air = name;
  write("air", words);
  write("watching", watching);
}

/** @param {State} state */
function showLine(state) {
  if (held.on) {
    held.state = state;
    return;
  }
  heard.line = state.name;
  showAir();
  if (state.name === "stopped") askForChannel(state.sentence);
}

// --- the page -----------------------------------------------------------------------------------------------------

/**
 * @param {string} page
 * @param {string} name of the channel
 * @param {string} secret
 */
const withKey = (page, name, secret) =>
  new URL(`${page}?channel=${encodeURIComponent(name)}#key=${encodeURIComponent(secret)}`, BASE);

/** @param {string} sentence why; may be empty */
function askForChannel(sentence) {
  document.body.dataset.page = "form";
  inputs.channel.value = channel;
  write("refused", sentence);
  inputs[channel ? "key" : "channel"].focus();
}

async function copyOverlayUrl() {
  const address = withKey("overlay", channel, key).href;
  find("copied").hidden = false;
  try {
    await navigator.clipboard.writeText(address);
    write("copied", say("dashboard.copied_overlay"));
  } catch {
    write("copied", `${say("dashboard.copy_overlay_by_hand")}\n${address}`);
  }
}

function showChannel() {
  document.body.dataset.page = "channel";
  write("channel", channel);
  document.title = say("dashboard.title", { channel });
  leaderPicture.src = pictureUrl("neutral");
  find("legend").replaceChildren(...EXPRESSIONS.map((name) => {
    const item = make("li");
    item.append(picture(name), make("span", { textContent: wordOf(name) }), make("b", { textContent: "–" }));
    return item;
  }));
  bar = new MoodBar(find("bar"));
  sessions = new Sessions(channel, key, { alert: alertUser, connected: () => find("line").dataset.line === "open" });
  const admin = new Admin(channel);
  new Invite(channel, admin);
  new People(admin);
  controls = new Controls(channel, key, admin, {
    shown: () => sessions.shown, isRunning: () => sessions.live !== null, changed: () => sessions.refresh(),
  });
  find("copy").addEventListener("click", copyOverlayUrl);
  find("change").addEventListener("click", () => askForChannel(""));
  find("help").addEventListener("click", help);
  new Keys(admin, { hold, renew });
  listenForKeys(only(HTMLInputElement, "#shortcuts-on"), {
    mark: () => controls.mark(), countdown: () => controls.startCountdown(), rehearse: () => controls.rehearse(), help,
  });
  connect();
}

const help = () => answered(dialogOf("help"));

/** Subscribe with the key of now; what an older one still brings counts no more. */
function connect() {
  const own = key;
  const settings = new URL(`settings/${encodeURIComponent(channel)}`, BASE);
  settings.hash = new URLSearchParams({ key }).toString();
  only(HTMLAnchorElement, "#settings").href = settings.href;
  subscribe({ relay: BASE.href, channel, key }, (message) => own === key && receive(message),
    (state) => own === key && showLine(state));
}

/**
 * Work by which the key may end, and the page with it, before it has the new one.
 *
 * @param {() => Promise<void>} work
 */
async function hold(work) {
  held.on = true;
  held.state = null;
  await work();
  held.on = false;
  if (held.state) showLine(held.state);
}

/**
 * Go on with another display key.
 *
 * @param {string} renewed
 * @returns {string} the overlay's address
 */
function renew(renewed) {
  key = sessions.key = controls.key = renewed;
  history.replaceState(null, "", withKey("dashboard", channel, key));
  connect();
  return withKey("overlay", channel, key).href;
}

offerLanguages(only(HTMLSelectElement, "#languages"));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { href } = withKey("dashboard", inputs.channel.value.trim(), inputs.key.value.trim());
  if (href === location.href) location.reload();
  else location.assign(href); // where only the fragment differs, hashchange reloads
});
window.addEventListener("hashchange", () => location.reload());
if (canSubscribe(options)) showChannel();
else askForChannel(location.search || location.hash ? problems.join(" ") : "");

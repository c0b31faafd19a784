// The streamer's dashboard: the live mood, the reactions and each session's history.

import { MoodBar } from "./bar.js";
import { Chart } from "./chart.js";
import { subscribe } from "./connection.js";
import { DEEDS, BASE, EXPRESSIONS, WORDS, applyPalette, pictureUrl } from "./contract.js";
import { Controls } from "./controls.js";
import { find, make, only, picture, write as writeTo } from "./dom.js";
import { clock, hiddenWords, leader, percent, resonanceWords, said, trendWords, valenceWords } from "./figures.js";
import { missed, momentOf } from "./history.js";
import { canSubscribe, readOptions } from "./options.js";
import { request } from "./requests.js";

/** @import { State } from "./connection.js" */
/** @import { Message, Named, Reaction } from "./contract.js" */
/** @import { History, Session } from "./history.js" */
/** @import { Marker, Mood } from "./protocol.d.ts" */

/** @typedef {Session & { seconds: number }} Listed */

/**
 * One of the strongest moments, as the relay's JSON tells it.
 * @typedef {Named & { time: number, share: number }} Peak
 */

const REACTIONS_SHOWN = 8;
const REDRAW_MS = 2000;
const PEAKS_SHOWN = 8;
const PEAKS_MS = 10_000; // between two looks for new peaks of the running session
const LOOK_AGAIN_MS = 2000; // for a session that has just begun

const { options, problems } = readOptions(location);
const { channel, key } = options;
const form = only(HTMLFormElement, "#open");
const inputs = {
  channel: only(HTMLInputElement, "[name=channel]", form),
  key: only(HTMLInputElement, "[name=key]", form),
};
const chosen = only(HTMLSelectElement, "#sessions");
const leaderPicture = only(HTMLImageElement, "#leader-picture");
const EXPORTS = ["csv", "json"].map((kind) => only(HTMLButtonElement, `[data-export=${kind}]`));
const ON_A_SESSION = [...EXPORTS, ...["rename", "delete"].map((id) => only(HTMLButtonElement, `#${id}`))]; // need one
/** @type {Chart} */
let chart;
/** @type {MoodBar} */
let bar;
/** @type {Controls} */
let controls;
let named = -1;
/** @type {Listed[]} */
let sessions = []; // as the relay lists them, newest first
/** @type {History | null} */
let shown = null; // on the chart
/** @type {number | null | undefined} */
let running = null; // number of the session that runs now
/** @type {Marker[]} */
let heard = []; // its markers, as they came: it is then in the history, also while too few share
let redraw = false;
let lookedAt = 0;
let peaksAt = 0;

/** @param {number} value */
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
/** @param {number} seconds Unix time */
const timeOf = (seconds) => new Date(1000 * seconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

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
function showMood(mood) {
  bar.show(mood.visible ? mood.shares : null);
  leaderPicture.parentElement?.classList.toggle("waiting", !mood.visible);
  named = mood.visible ? leader(mood.shares, named) : -1;
  const address = pictureUrl(EXPRESSIONS[named] ?? "neutral");
  if (leaderPicture.src !== address) leaderPicture.src = address;
  write("leader", mood.visible
    ? `${percent(mood.shares[named])} ${WORDS[EXPRESSIONS[named]]}`
    : hiddenWords(mood));
  [...find("legend").children].forEach((item, index) => {
    writeTo(only(HTMLElement, "b", item), mood.visible ? percent(mood.shares[index]) : "–");
    item.toggleAttribute("data-none", !(mood.shares[index] > 0));
  });
  // How many are connected is told always: else nobody could tell a relay that viewers don't reach from one that waits.
  const viewers = `${mood.viewers} ${mood.viewers === 1 ? "viewer" : "viewers"}`;
  write("sharing", mood.visible ? String(mood.sharing) : "–");
  write("viewers", mood.visible ? `of ${viewers}` : `${viewers} connected`);
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
  continueHistory(mood);
}

/** @param {Reaction} reaction */
function showReaction(reaction) {
  const { kind, name, count, time } = reaction;
  const who = `${count} ${count === 1 ? "viewer" : "viewers"}`;
  const at = new Date(1000 * time);
  const item = make("li");
  item.append(picture(name),
    make("span", { textContent: kind === "tap" ? `${who} ${DEEDS[name]}` : `${who} turned ${WORDS[name]} together` }),
    make("time", { dateTime: at.toISOString(), textContent: at.toLocaleTimeString() }));
  find("reactions").prepend(item);
  while (find("reactions").children.length > REACTIONS_SHOWN) find("reactions").lastElementChild?.remove();
  find("no-reactions").hidden = true;
  live()?.reactions.push(reaction);
}

/** @param {Marker} marker */
function showMarker(marker) {
  heard.push(marker);
  const history = live();
  if (!history) return;
  history.markers.push(marker);
  redraw = true;
}

/** @param {Message} message */
function receive(message) {
  if (message.type === "mood") showMood(message);
  else if (message.type === "reaction") showReaction(message);
  else if (message.type === "marker") showMarker(message);
  else if (message.type === "countdown") controls.followCountdown();
  else if (message.type === "status") {
    if (typeof running === "number" && running !== message.session) heard = []; // else they are of the one just begun
    running = message.session;
    alertUser(message.warnings?.join("\n") ?? "");
    loadSessions();
    controls.followCountdown();
  }
}

const LINES = {
  connecting: "Connecting…",
  open: "Live",
  retrying: "The relay does not answer. Trying again…",
  stopped: "Ended",
};

/** @param {State} state */
function showLine(state) {
  find("line").dataset.line = state.name;
  write("line", LINES[state.name]);
  if (state.name === "stopped") askForChannel(state.sentence);
}

// --- history ------------------------------------------------------------------------------------------------------

/** The history on the chart where that is of the running session. */
const live = () => (shown && shown.session.number === running ? shown : null);

/** @param {string} path below the channel */
const ask = (path) => request(channel, key, path);
/** @param {string} path below the channel */
const fetchJson = async (path) => (await ask(path)).json();

/**
 * Save the shown session. A plain link would not do: it can't send the key in a header.
 *
 * @param {string} kind csv or json
 */
async function download(kind) {
  if (!shown) return;
  const { number } = shown.session;
  const blob = await (await ask(`sessions/${number}.${kind}`)).blob();
  const link = make("a", { href: URL.createObjectURL(blob), download: `${channel}-session-${number}.${kind}` });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** List the sessions anew; show the newest unless the streamer looks at an older one. */
async function loadSessions() {
  lookedAt = Date.now();
  try {
    /** @type {Listed[]} */
    const listed = (await fetchJson("sessions")).sessions;
    listed.sort((a, b) => b.number - a.number);
    const before = shown?.session.number;
    const stays = listed.some((session) => session.number === before);
    const followed = !stays || before === sessions[0].number;
    sessions = listed;
    chosen.disabled = !sessions.length;
    chosen.replaceChildren(...sessions.map(sessionOption));
    find("no-history").hidden = sessions.length > 0;
    find("chart-legend").hidden = !sessions.length;
    ON_A_SESSION.forEach((button) => (button.disabled = !sessions.length));
    find("chart").hidden = !sessions.length;
    if (!sessions.length) {
      shown = null;
      find("peaks-part").hidden = true;
      return;
    }
    await loadHistory(followed || before === undefined ? sessions[0].number : before);
  } catch (error) {
    if (find("line").dataset.line === "open") notRead(error);
  }
}

/** @param {unknown} error */
const notRead = (error) => alertUser(`The history could not be read. ${said(error)}`);

/** @param {Listed} session */
function sessionOption({ number, name, started, seconds }) {
  const day = new Date(1000 * started).toLocaleDateString([], { day: "numeric", month: "short" });
  const length = number === running ? "live now" : clock(seconds);
  return new Option(`${name || number} · ${day}, ${timeOf(started)} · ${length}`, String(number));
}

/** @param {number} number */
async function loadHistory(number) {
  /** @type {History} */
  const history = await fetchJson(`sessions/${number}`);
  if (number === running) history.markers.push(...missed(history.markers, heard));
  shown = history;
  chosen.value = String(number);
  chart.draw(history);
  await loadPeaks(number);
}

/** @param {number} number of the shown session */
async function loadPeaks(number) {
  peaksAt = Date.now();
  /** @type {{ peaks: Peak[] }} */
  const { peaks } = await fetchJson(`sessions/${number}/peaks`);
  if (shown?.session.number !== number) return; // another session was chosen meanwhile
  const strongest = peaks.slice(0, PEAKS_SHOWN).sort((a, b) => a.time - b.time);
  const listed = JSON.stringify([number, strongest]);
  if (listed === find("peaks").dataset.listed) return; // or a button would lose the focus for nothing
  find("peaks").dataset.listed = listed;
  find("peaks-part").hidden = !peaks.length;
  find("peaks").replaceChildren(...strongest.map(peakItem));
}

/** @param {Peak} peak */
function peakItem({ time, kind, name, share }) {
  const button = make("button", { type: "button" });
  const words = kind === "tap" ? DEEDS[name] : WORDS[name];
  button.append(picture(name), make("b", { textContent: clock(time - chart.start) }),
    make("span", { textContent: `${percent(share)} ${words}`, className: "words" }));
  button.addEventListener("click", () => chart.show(time));
  const item = make("li");
  item.append(button);
  return item;
}

/**
 * Add what the live events tell to the running session's chart, instead of fetching all of it again and again.
 *
 * @param {Mood} mood
 */
function continueHistory(mood) {
  const moment = momentOf(mood);
  const listed = sessions.some((session) => session.number === running);
  if ((moment || heard.length) && !listed && Date.now() - lookedAt > LOOK_AGAIN_MS) loadSessions();
  const history = live();
  if (!moment || !history) return;
  const last = history.moments[history.moments.length - 1];
  if (last && last.time >= moment.time) return;
  history.moments.push(moment);
  redraw = true;
  if (Date.now() - peaksAt > PEAKS_MS) loadPeaks(history.session.number).catch(() => {}); // the next look tries again
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
    write("copied", "Copied. Paste it as the URL of a browser source in OBS. It contains the display key: show it to nobody.");
  } catch {
    write("copied", `Copy this into the URL of a browser source in OBS. It contains the display key: show it to nobody.\n${address}`);
  }
}

function showChannel() {
  document.body.dataset.page = "channel";
  write("channel", channel);
  document.title = `${channel} · Moodcast dashboard`;
  leaderPicture.src = pictureUrl("neutral");
  find("legend").replaceChildren(...EXPRESSIONS.map((name) => {
    const item = make("li");
    item.append(picture(name), make("span", { textContent: WORDS[name] }), make("b", { textContent: "–" }));
    return item;
  }));
  bar = new MoodBar(find("bar"));
  chart = new Chart(find("chart"));
  controls = new Controls(channel, key, { shown: () => shown, isRunning: () => live() !== null, changed: loadSessions });
  find("copy").addEventListener("click", copyOverlayUrl);
  find("change").addEventListener("click", () => askForChannel(""));
  chosen.addEventListener("change", () => {
    write("changed", "");
    loadHistory(Number(chosen.value)).catch(notRead);
  });
  EXPORTS.forEach((button) => button.addEventListener("click", () =>
    download(button.dataset.export ?? "").catch((error) => alertUser(`The session could not be saved. ${said(error)}`))));
  setInterval(() => {
    if (!redraw || document.hidden || !shown) return;
    redraw = false;
    chart.draw(shown);
  }, REDRAW_MS);
  subscribe({ relay: BASE.href, channel, key }, receive, showLine);
}

await applyPalette();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { href } = withKey("dashboard", inputs.channel.value.trim(), inputs.key.value.trim());
  if (href === location.href) location.reload();
  else location.assign(href); // where only the fragment differs, hashchange reloads
});
window.addEventListener("hashchange", () => location.reload());
if (canSubscribe(options)) showChannel();
else askForChannel(location.search || location.hash ? problems.join(" ") : "");

// The streamer's dashboard: the live mood, the reactions and each session's history.

import { MoodBar } from "./bar.js";
import { Chart } from "./chart.js";
import { subscribe } from "./connection.js";
import { BASE, EXPRESSIONS, WORDS, applyPalette, pictureUrl } from "./contract.js";
import { Controls } from "./controls.js";
import { clock, condition, leader, percent, resonanceWords, trendWords, valenceWords } from "./figures.js";
import { momentOf } from "./history.js";
import { canSubscribe, readOptions } from "./options.js";
import { request } from "./requests.js";

const REACTIONS_SHOWN = 8;
const REDRAW_MS = 2000;
const PEAKS_SHOWN = 8;
const PEAKS_MS = 10_000; // between two looks for new peaks of the running session
const LOOK_AGAIN_MS = 2000; // for a session that has just begun

const find = (id) => document.getElementById(id);
const { options, problems } = readOptions(location);
const { channel, key } = options;
const EXPORTS = document.querySelectorAll("[data-export]");
const ON_A_SESSION = [...EXPORTS, find("rename"), find("delete")]; // buttons that need one
let chart, bar, controls;
let named = -1;
let sessions = []; // as the relay lists them, newest first
let shown = null; // the history on the chart
let running = null; // number of the session that runs now
let marked = false; // whether it has a marker: it is then in the history, also while too few share
let redraw = false;
let lookedAt = 0;
let peaksAt = 0;

const signed = (value, digits) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
const timeOf = (seconds) => new Date(1000 * seconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function write(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

function alertUser(text) {
  find("alert").hidden = !text;
  write("alert", text);
}

// --- the live part ------------------------------------------------------------------------------------------------

function showMood(mood) {
  bar.show(mood.visible ? mood.shares : null);
  find("leader-picture").parentElement.classList.toggle("waiting", !mood.visible);
  named = mood.visible ? leader(mood.shares, named) : -1;
  const picture = pictureUrl(EXPRESSIONS[named] ?? "neutral");
  if (find("leader-picture").src !== picture) find("leader-picture").src = picture;
  write("leader", mood.visible
    ? `${percent(mood.shares[named])} ${WORDS[EXPRESSIONS[named]]}`
    : `Shown once ${condition(mood)}`);
  [...find("legend").children].forEach((item, index) => {
    const text = mood.visible ? percent(mood.shares[index]) : "–";
    if (item.lastChild.textContent !== text) item.lastChild.textContent = text;
    item.toggleAttribute("data-none", !(mood.shares[index] > 0));
  });
  // How many are connected is told always: else nobody could tell a relay that viewers don't reach from one that waits.
  const viewers = `${mood.viewers} ${mood.viewers === 1 ? "viewer" : "viewers"}`;
  write("sharing", mood.visible ? String(mood.sharing) : "–");
  write("viewers", mood.visible ? `of ${viewers}` : `${viewers} connected`);
  const figure = (id, value, words) => {
    write(id, mood.visible ? value : "–");
    write(`${id}-words`, mood.visible ? words : "");
  };
  figure("valence", signed(mood.valence, 2), valenceWords(mood.valence));
  figure("trend", signed(mood.trend, 2), trendWords(mood.trend));
  figure("resonance", percent(mood.resonance), resonanceWords(mood.resonance));
  continueHistory(mood);
}

const DEEDS = { heart: "sent hearts", laugh: "laughed", clap: "clapped", wow: "said wow", cry: "cried" };

function showReaction(reaction) {
  const { kind, name, count, time } = reaction;
  const who = `${count} ${count === 1 ? "viewer" : "viewers"}`;
  const item = document.createElement("li");
  const text = Object.assign(document.createElement("span"), {
    textContent: kind === "tap" ? `${who} ${DEEDS[name]}` : `${who} turned ${WORDS[name]} together`,
  });
  const at = Object.assign(document.createElement("time"), {
    dateTime: new Date(1000 * time).toISOString(),
    textContent: new Date(1000 * time).toLocaleTimeString(),
  });
  item.append(Object.assign(new Image(), { src: pictureUrl(name), alt: "" }), text, at);
  find("reactions").prepend(item);
  while (find("reactions").children.length > REACTIONS_SHOWN) find("reactions").lastElementChild.remove();
  find("no-reactions").hidden = true;
  if (isLive(shown)) shown.reactions.push(reaction);
}

function showMarker(marker) {
  marked = true;
  if (!isLive(shown)) return;
  shown.markers.push(marker);
  redraw = true;
}

function receive(message) {
  if (message.type === "mood") showMood(message);
  else if (message.type === "reaction") showReaction(message);
  else if (message.type === "marker") showMarker(message);
  else if (message.type === "countdown") controls.followCountdown();
  else if (message.type === "status") {
    if (running !== message.session) marked = false;
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

function showLine({ name, sentence }) {
  find("line").dataset.line = name;
  write("line", LINES[name]);
  if (name === "stopped") askForChannel(sentence);
}

// --- history ------------------------------------------------------------------------------------------------------

const isLive = (history) => Boolean(history) && history.session.number === running;

const ask = (path) => request(channel, key, path);
const fetchJson = async (path) => (await ask(path)).json();

/** Save the shown session. A plain link would not do: it can't send the key in a header. */
async function download(kind) {
  const { number } = shown.session;
  const blob = await (await ask(`sessions/${number}.${kind}`)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${channel}-session-${number}.${kind}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** List the sessions anew; show the newest unless the streamer looks at an older one. */
async function loadSessions() {
  lookedAt = Date.now();
  try {
    const listed = (await fetchJson("sessions")).sessions.sort((a, b) => b.number - a.number);
    const stays = shown && listed.some((session) => session.number === shown.session.number);
    const followed = !stays || shown.session.number === sessions[0].number;
    sessions = listed;
    find("sessions").disabled = !sessions.length;
    find("sessions").replaceChildren(...sessions.map(sessionOption));
    find("no-history").hidden = sessions.length > 0;
    find("chart-legend").hidden = !sessions.length;
    ON_A_SESSION.forEach((button) => (button.disabled = !sessions.length));
    find("chart").hidden = !sessions.length;
    if (!sessions.length) {
      shown = null;
      find("peaks-part").hidden = true;
      return;
    }
    await loadHistory(followed ? sessions[0].number : shown.session.number);
  } catch (error) {
    if (find("line").dataset.line === "open") alertUser(`The history could not be read. ${error.message}`);
  }
}

function sessionOption({ number, name, started, seconds }) {
  const day = new Date(1000 * started).toLocaleDateString([], { day: "numeric", month: "short" });
  const length = number === running ? "live now" : clock(seconds);
  return new Option(`${name || number} · ${day}, ${timeOf(started)} · ${length}`, number);
}

async function loadHistory(number) {
  shown = await fetchJson(`sessions/${number}`);
  find("sessions").value = String(number);
  chart.draw(shown);
  await loadPeaks();
}

async function loadPeaks() {
  const { number } = shown.session;
  peaksAt = Date.now();
  const { peaks } = await fetchJson(`sessions/${number}/peaks`);
  if (shown.session.number !== number) return; // another session was chosen meanwhile
  const strongest = peaks.slice(0, PEAKS_SHOWN).sort((a, b) => a.time - b.time);
  const listed = JSON.stringify([number, strongest]);
  if (listed === find("peaks").dataset.listed) return; // or a button would lose the focus for nothing
  find("peaks").dataset.listed = listed;
  find("peaks-part").hidden = !peaks.length;
  find("peaks").replaceChildren(...strongest.map(peakItem));
}

function peakItem({ time, kind, name, share }) {
  const button = Object.assign(document.createElement("button"), { type: "button" });
  const part = (tag, textContent, className = "") => Object.assign(document.createElement(tag), { textContent, className });
  button.append(Object.assign(new Image(), { src: pictureUrl(name), alt: "" }),
    part("b", clock(time - chart.start)),
    part("span", `${percent(share)} ${kind === "tap" ? DEEDS[name] : WORDS[name]}`, "words"));
  button.addEventListener("click", () => chart.show(time));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

/** Add what the live events tell to the running session's chart, instead of fetching all of it again and again. */
function continueHistory(mood) {
  const moment = momentOf(mood);
  const listed = sessions.some((session) => session.number === running);
  if ((moment || marked) && !listed && Date.now() - lookedAt > LOOK_AGAIN_MS) loadSessions();
  if (!moment || !isLive(shown)) return;
  const last = shown.moments[shown.moments.length - 1];
  if (last && last.time >= moment.time) return;
  shown.moments.push(moment);
  redraw = true;
  if (Date.now() - peaksAt > PEAKS_MS) loadPeaks().catch(() => {}); // the next look tries again
}

// --- the page -----------------------------------------------------------------------------------------------------

const withKey = (page, name, secret) =>
  new URL(`${page}?channel=${encodeURIComponent(name)}#key=${encodeURIComponent(secret)}`, BASE);

function askForChannel(sentence) {
  document.body.dataset.page = "form";
  find("open").elements.channel.value = channel;
  write("refused", sentence);
  find("open").elements[channel ? "key" : "channel"].focus();
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
  find("leader-picture").src = pictureUrl("neutral");
  find("legend").replaceChildren(...EXPRESSIONS.map((name) => {
    const item = document.createElement("li");
    const word = Object.assign(document.createElement("span"), { textContent: WORDS[name] });
    const share = Object.assign(document.createElement("b"), { textContent: "–" });
    item.append(Object.assign(new Image(), { src: pictureUrl(name), alt: "" }), word, share);
    return item;
  }));
  bar = new MoodBar(find("bar"));
  chart = new Chart(find("chart"));
  controls = new Controls(channel, key, { shown: () => shown, isRunning: () => isLive(shown), changed: loadSessions });
  find("copy").addEventListener("click", copyOverlayUrl);
  find("change").addEventListener("click", () => askForChannel(""));
  find("sessions").addEventListener("change", ({ target }) => {
    write("changed", "");
    loadHistory(Number(target.value)).catch((error) => alertUser(`The history could not be read. ${error.message}`));
  });
  EXPORTS.forEach((button) => button.addEventListener("click", () =>
    download(button.dataset.export).catch((error) => alertUser(`The session could not be saved. ${error.message}`))));
  setInterval(() => {
    if (!redraw || document.hidden) return;
    redraw = false;
    chart.draw(shown);
  }, REDRAW_MS);
  subscribe({ relay: BASE.href, channel, key }, receive, showLine);
}

await applyPalette();
find("open").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const { href } = withKey("dashboard", form.get("channel").trim(), form.get("key").trim());
  if (href === location.href) location.reload();
  else location.assign(href); // where only the fragment differs, hashchange reloads
});
window.addEventListener("hashchange", () => location.reload());
if (canSubscribe(options)) showChannel();
else askForChannel(location.search || location.hash ? problems.join(" ") : "");

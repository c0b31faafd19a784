// The page that an invitation opens: joining right here, or by the installed agent. What it shows and does is decided in
// viewer/flow.js and viewer/state.js; this puts them together with the browser.

import { isObject, isText } from "./checks.js";
import { BASE } from "./contract.js";
import { find, only, write } from "./dom.js";
import { isPhone, links, read } from "./invitation.js";
import { offerLanguages, recallLanguage } from "./languages.js";
import { Reader } from "./reading/reader.js";
import { fill, load } from "./texts.js";
import { AudienceView } from "./viewer/audience-view.js";
import { ViewerClient } from "./viewer/client.js";
import { ConsentView } from "./viewer/consent-view.js";
import { Eye } from "./viewer/eye.js";
import { Flow } from "./viewer/flow.js";
import { LiveView } from "./viewer/live-view.js";
import { PeopleView } from "./viewer/people-view.js";
import { SentView } from "./viewer/sent-view.js";
import { SmallWindow } from "./viewer/small-window.js";
import { hostOf } from "./viewer/state.js";
import { WakeLock } from "./viewer/wake.js";

/** @import { Invitation } from "./invitation.js" */
/** @import { Assets, State } from "./viewer/state.js" */

const TICK_MS = 200;
const DOUBLE_CLICK_MS = 500;
const LONGEST_ADVICE = 400;

const browser = {
  secure: window.isSecureContext,
  camera: Boolean(navigator.mediaDevices?.getUserMedia),
  wasm: typeof WebAssembly === "object" && typeof Worker === "function",
  phone: isPhone(navigator),
};

/** @returns {Promise<Assets>} */
async function askForAssets() {
  const answer = await (await fetch(new URL("v1/assets", BASE), { cache: "no-store", credentials: "omit" })).json();
  const { state, advice, raw, transfer } = isObject(answer) ? answer : {};
  return {
    state: isText(state) ? state : "missing", advice: isText(advice, LONGEST_ADVICE) ? advice : "",
    raw: Number(raw) || 0, transfer: Number(transfer) || 0,
  };
}

/**
 * What the flow has of the world: the real one.
 *
 * @param {Invitation} invitation
 * @returns {import("./viewer/flow.js").World}
 */
const world = ({ channel }) => ({
  ask: (password, onSaid) => ViewerClient.ask({ base: BASE, channel, password, onSaid }),
  assets: askForAssets,
  channel: (joining) => new ViewerClient({ base: BASE, channel, ...joining }),
  eye: (hooks) => new Eye((reading) => new Reader(reading), (asked) => navigator.mediaDevices.getUserMedia(asked), hooks),
  now: () => performance.now(),
  clock: () => Date.now(),
});

/** @type {Flow | null} */
let flow = null;
const running = () => /** @type {Flow} */ (flow); // a button is pressed while one runs

recallLanguage();
await load("common", "join");
fill();
offerLanguages(only(HTMLSelectElement, "#languages"));
const consent = new ConsentView(running);
const live = new LiveView(running);
const audience = new AudienceView(running);
const people = new PeopleView(running);
const sent = new SentView();
const small = new SmallWindow(() => live.play());
const wake = new WakeLock();

let turnedAt = -Infinity; // when another screen came

/** @param {State} state */
function show(state) {
  const { screen } = state;
  if (document.body.dataset.screen !== screen) {
    document.body.dataset.screen = screen;
    turnedAt = performance.now();
    if (screen !== "live") small.close();
    window.scrollTo(0, 0);
  }
  consent.show(state);
  wake.want(browser.phone && state.wish === "face" && state.camera === "on");
  if (screen !== "live") return;
  live.show(state);
  audience.show(state);
  people.show(state);
  sent.show(state);
}

/** What the address says, from the beginning: nothing of before goes on, and nothing begins but a question. */
function begin() {
  flow?.stop();
  flow = null;
  const invitation = read(location, BASE);
  find("damaged").hidden = invitation !== null;
  find("place").hidden = find("ways").hidden = invitation === null;
  if (!invitation) {
    document.body.dataset.screen = "damaged";
    return;
  }
  offer(invitation);
  flow = new Flow({ ...invitation, browser }, world(invitation), show);
  flow.begin();
}

/**
 * The ways to the installed agent.
 *
 * @param {Invitation} invitation
 */
function offer(invitation) {
  const [link, appLink] = links(invitation);
  write(find("channel"), invitation.channel);
  write(find("relay"), hostOf(invitation.relay));
  find("has-password").hidden = !invitation.password;
  find("no-password").hidden = Boolean(invitation.password);
  find("copied").hidden = find("by-hand").hidden = true;
  const open = only(HTMLAnchorElement, "#open");
  open.href = appLink;
  open.hidden = browser.phone;
  only(HTMLInputElement, "#link").value = link;
}

async function copy() {
  const input = only(HTMLInputElement, "#link");
  try {
    await navigator.clipboard.writeText(input.value);
    find("copied").hidden = false;
  } catch { // on plain http the browser gives pages no clipboard
    find("by-hand").hidden = false;
    input.select();
  }
}

/**
 * The second half of a double click meant what lay there before.
 *
 * @param {MouseEvent} event
 */
function skipDoubled(event) {
  if (event.detail < 2 || event.timeStamp - turnedAt > DOUBLE_CLICK_MS) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

document.addEventListener("click", skipDoubled, { capture: true });
find("copy").addEventListener("click", copy);
setInterval(() => flow?.tick(performance.now()), TICK_MS); // the reader's worker has a steadier one, while there is one
window.addEventListener("hashchange", begin);
window.addEventListener("pagehide", () => flow?.stop()); // also where the browser keeps the page, to go back to
window.addEventListener("pageshow", ({ persisted }) => persisted && begin());
begin();

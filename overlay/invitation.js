// What the page of an invitation makes of its own address. Pure; relay/common/invitation.py is the original of the links.

import { CHANNEL_PATTERN } from "./contract.js";

const MAX_PASSWORD = 128;

/** @typedef {{ relay: string, channel: string, password: string }} Invitation */

/**
 * As Python escapes it, which escapes more than the browser does.
 *
 * @param {string} text
 */
const escaped = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * What the page's own address says; null where it can't be an invitation. What is no password in the fragment is dropped.
 *
 * @param {{ pathname: string, hash: string }} location
 * @param {URL} base of the relay's addresses
 * @returns {Invitation | null}
 */
export function read({ pathname, hash }, base) {
  const channel = pathname.slice(pathname.lastIndexOf("/") + 1);
  if (!CHANNEL_PATTERN.test(channel)) return null;
  const given = new URLSearchParams(hash.slice(1).replaceAll("+", "%2B")).get("password") ?? "";
  // eslint-disable-next-line no-control-regex
  const isOne = [...given].length <= MAX_PASSWORD && !/[\u0000-\u001f\u007f-\u009f\ufffd]/.test(given);
  return { relay: base.href.replace(/\/+$/, ""), channel, password: isOne ? given : "" };
}

/**
 * The page's link without what else stood in its address, and the one that the agent opens.
 *
 * @param {Invitation} invitation
 * @returns {[string, string]}
 */
export function links({ relay, channel, password }) {
  const fragment = password ? `#password=${escaped(password)}` : "";
  return [`${relay}/join/${channel}${fragment}`, `moodcast://join?relay=${escaped(relay)}&channel=${channel}${fragment}`];
}

/**
 * Whether the browser is a phone's or a tablet's, as far as it tells: an iPad says that it is a Mac with a touch screen.
 *
 * @param {{ userAgent: string, maxTouchPoints: number }} browser
 */
export const isPhone = ({ userAgent, maxTouchPoints }) =>
  /Android|iPhone|iPad|Mobile/.test(userAgent) || (userAgent.includes("Macintosh") && maxTouchPoints > 1);

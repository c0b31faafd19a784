// What the OBS script pushes: kept from the page's first moment, since it may come before the page has its options.

import { checked } from "./contract.js";

/** @import { Message } from "./contract.js" */

const MOST_KEPT = 64;
/** @type {Message[]} */
const early = [];
/** @type {(message: Message) => void} */
let receive = (message) => {
  if (early.push(message) > MOST_KEPT) early.shift();
};

window.addEventListener("moodcast", (event) => {
  const message = event instanceof CustomEvent ? checked(event.detail) : null;
  if (message) receive(message);
});

/** @param {(message: Message) => void} onMessage gets what has come, and what comes from now on */
export function listen(onMessage) {
  receive = onMessage;
  early.splice(0).forEach(onMessage);
}

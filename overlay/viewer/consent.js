// What a relay promises the viewer who is asked: agent/consent.py is the original. Pure.

/**
 * When others see an expression: of a ticket's answer or a welcome. A relay that doesn't tell the crowd counts viewers.
 * @typedef {{ min_viewers: number, crowd?: "networks" | "viewers" }} Promised
 */

/**
 * Whether a relay shows an expression sooner than the viewer was told when asked.
 *
 * @param {Promised} now
 * @param {Promised} agreed
 */
export const promisesLess = (now, agreed) =>
  now.min_viewers < agreed.min_viewers || (now.crowd !== "networks" && agreed.crowd === "networks");

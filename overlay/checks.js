// What a value from the relay must be before a page uses it: a hostile relay's junk ends here, as a message that is none.

export const LATEST_S = 8.64e12; // Unix time: the last second that Date can show
const LONGEST_SENTENCE = 2000;
const MOST_SENTENCES = 50;

/** @param {unknown} value */
export const isBoolean = (value) => typeof value === "boolean";
/** @param {unknown} value @param {number} least @param {number} most */
export const isBetween = (value, least, most) => typeof value === "number" && value >= least && value <= most;
/** @param {unknown} value Unix time in seconds */
export const isTime = (value) => isBetween(value, 0, LATEST_S);
/** @param {unknown} value */
export const isCount = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
/** @param {unknown} value a little beyond, as sums of shares come out */
export const isShare = (value) => isBetween(value, -1e-6, 1 + 1e-6);
/** @param {unknown} value @param {number} [longest] */
export const isText = (value, longest = LONGEST_SENTENCE) => typeof value === "string" && value.length <= longest;
/** @param {unknown} list @param {(value: any) => boolean} isOne @param {number} most */
export const isListOf = (list, isOne, most) => Array.isArray(list) && list.length <= most && list.every((value) => isOne(value));
/** @param {unknown} list */
export const areSentences = (list) => isListOf(list, isText, MOST_SENTENCES);
/** @param {unknown} value @param {readonly unknown[]} values */
export const isOneOf = (value, values) => values.includes(value);
/** @param {unknown} value @param {(value: any) => boolean} is what it must be where it is there */
export const mayBe = (value, is) => value === undefined || is(value);
/** @param {unknown} value @param {(value: any) => boolean} is */
export const isOrNull = (value, is) => value === null || is(value);
/** @param {unknown} value */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

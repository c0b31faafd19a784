// How much the overlay moves: as its address says, and less where a person opened it whose system asks for less.

/**
 * In OBS the stream's audience sees the page, and the system is the streamer's: its wish says nothing of them.
 *
 * @param {string} asked "full" or "low", of the address
 * @param {{ inObs: boolean, reduced: boolean }} where the page is, and what its system asks for
 */
export const motionOf = (asked, { inObs, reduced }) => (asked === "low" || (reduced && !inObs) ? "low" : "full");

/**
 * Say it on the root, for the style sheets and for `isCalm`, for as long as the page is there.
 *
 * @param {HTMLElement} root
 * @param {string} asked
 */
export function followMotion(root, asked) {
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");
  const follow = () => {
    root.dataset.motion = motionOf(asked, { inObs: "obsstudio" in window, reduced: reduced.matches });
  };
  reduced.addEventListener("change", follow);
  follow();
}

/** @param {Element} element of the overlay; whether nothing of it shall float or grow, only fade */
export const isCalm = (element) => element.closest('[data-motion="low"]') !== null;

// What is left out where a source is too small for all, or a language's words are too long: the less important first.

const NARROW = ["turn", "meter", "tune", "trend", "figures", "words"];
const LOW = ["note", "title", "lines", "audience"];

/**
 * @param {HTMLElement} root whose data-too-narrow-for and data-too-low-for name what is left out
 * @param {HTMLElement} panel
 * @param {HTMLElement[]} lines in the panel that must hold their text
 */
export function fit(root, panel, lines) {
  const isNarrow = () => lines.some((line) => line.scrollWidth > line.clientWidth + 1);
  const isLow = () => {
    const { top, bottom } = panel.getBoundingClientRect();
    return bottom - top > root.clientHeight - 2 * parseFloat(getComputedStyle(panel).marginTop) + 1;
  };
  root.dataset.tooLowFor = root.dataset.tooNarrowFor = "";
  for (let i = 1; i <= NARROW.length && isNarrow(); i++) root.dataset.tooNarrowFor = NARROW.slice(0, i).join(" ");
  for (let i = 1; i <= LOW.length && isLow(); i++) root.dataset.tooLowFor = LOW.slice(0, i).join(" ");
}

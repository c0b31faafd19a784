// A line for each expression, one under the other: its face, its share as a length, and as a number.

import { EXPRESSIONS } from "./contract.js";
import { make, picture, write } from "./dom.js";
import { percent } from "./figures.js";

export class Lines {
  /** @param {HTMLElement} root an empty element */
  constructor(root) {
    this.lines = EXPRESSIONS.map((name) => {
      const [line, track, fill, share] = ["", "-track", "-fill", "-share"].map((part) =>
        make("div", { className: `moodcast-line${part}` }));
      line.dataset.expression = name;
      track.append(fill);
      line.append(picture(name), track, share);
      root.append(line);
      return { fill, share };
    });
  }

  /** @param {import("./view.js").View} view while nothing is shown, the bar's resting faces are in their place */
  show({ shares }) {
    this.lines.forEach(({ fill, share }, index) => {
      fill.style.transform = `scaleX(${(shares?.[index] ?? 0).toFixed(4)})`;
      write(share, percent(shares?.[index] ?? 0));
    });
  }
}

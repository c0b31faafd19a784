// One face at one camera, from where it begins until a pause or another camera: which of the frames are looked at, and
// what their looks make of the reading.

import { PACE } from "./constants.js";
import { Pixels } from "./frames.js";
import { Hints } from "./hints.js";
import { LookRate } from "./pace.js";
import { Smoother } from "./smoothing.js";
import { Thrift } from "./thrift.js";

/** @import { Frames } from "./frames.js" */
/** @import { Recogniser } from "./recogniser.js" */
/** @import { Seen } from "./reader.js" */

export class Sitting {
  #rate = new LookRate(PACE.FPS);
  #thrift = new Thrift();
  #smoother = new Smoother();
  #hints = new Hints(performance.now() / 1000);
  #pixels = new Pixels();
  #isOver = false;

  /** Of a frame that is still on its way nothing counts. */
  end() {
    this.#isOver = true;
  }

  /**
   * What the newest frame shows; null where it is not worth a look, or comes too late. Its time is the worker's.
   *
   * @param {Frames} frames
   * @param {Pick<Recogniser, "look">} recogniser which knows one clock for all sittings: it may never run backwards
   * @returns {Promise<Seen | null>}
   */
  async look(frames, recogniser) {
    const frame = await frames.newest();
    if (!frame) return null;
    const time = performance.now(), seconds = time / 1000;
    if (!this.#thrift.allows(seconds)) {
      frame.close();
      return null;
    }
    const picture = await this.#pixels.of(frame);
    if (this.#isOver || !this.#rate.due(seconds, picture)) return null;
    const look = await recogniser.look(picture, Math.round(time));
    this.#thrift.looked(seconds, (performance.now() - time) / 1000);
    if (this.#isOver) return null;
    const reading = this.#smoother.update(seconds, look.probabilities);
    this.#rate.looked(seconds, picture, look.box, look.probabilities, reading, look.still);
    return { time, look, reading, hint: this.#hints.update(seconds, look.hasFace, look.unread) };
  }
}

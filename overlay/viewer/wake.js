// A phone's screen stays on while its camera is shared: the system shuts the camera of a page that nobody sees.

export class WakeLock {
  /** @type {WakeLockSentinel | null} */
  #lock = null;
  #wanted = false;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#take()); // the system has let go of it meanwhile
  }

  /** @param {boolean} wanted */
  want(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) this.#take();
    else this.#release();
  }

  async #take() {
    if (!this.#wanted || document.hidden || (this.#lock && !this.#lock.released)) return;
    try {
      const lock = await navigator.wakeLock?.request("screen") ?? null; // Firefox before 126 and iOS before 16.4 have none
      this.#release(); // what another request got meanwhile, which nobody else would let go of
      this.#lock = lock;
      if (!this.#wanted) this.#release();
    } catch {
      // The battery is low, or the system does not allow it: the page says to keep it open.
    }
  }

  #release() {
    this.#lock?.release();
    this.#lock = null;
  }
}

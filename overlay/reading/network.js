// The network that tells a face's expression, in ONNX Runtime. A port of agent/readers.py for networks of single faces.

import { MOODNET, PROTOCOL } from "./constants.js";
import { release } from "./loader.js";

/** @import { Files } from "./loader.js" */

const { size } = MOODNET.CROP;

export class Network {
  #ort;
  #session;

  /**
   * @param {any} ort
   * @param {any} session
   */
  constructor(ort, session) {
    this.#ort = ort;
    this.#session = session;
  }

  /** @param {Files} files */
  static async create(files) {
    const ort = await import(files.ort.url);
    ort.env.logLevel = "error";
    // One face every 200 ms needs no second thread, and threads need headers that a small window beside a stream lacks.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = { mjs: files.ort_loader.url };
    ort.env.wasm.wasmBinary = files.ort_wasm.bytes.buffer; // of bytes it would make a copy
    const session = await ort.InferenceSession.create(files.moodnet.bytes, { executionProviders: ["wasm"] });
    release(files.ort_wasm);
    release(files.moodnet);
    return new Network(ort, session);
  }

  /**
   * Seven probabilities, in the order of the expressions, of a grey crop.
   *
   * @param {Uint8Array | Uint8ClampedArray} face row by row
   * @returns {Promise<number[]>}
   */
  async probabilities(face) {
    const { inputNames: [input], outputNames: [output] } = this.#session;
    const given = new this.#ort.Tensor("float32", Float32Array.from(face), [1, 1, size, size]);
    const answer = await this.#session.run({ [input]: given }, [output]);
    /** @type {number[]} */
    const found = Array.from(answer[output].data);
    if (found.length !== PROTOCOL.EXPRESSIONS.length || !found.every(Number.isFinite)) {
      throw new Error("the network's answer is no seven numbers");
    }
    return found;
  }

  close() {
    return this.#session.release();
  }
}

// MediaPipe's tasks for faces, made of files that are here already: nothing is fetched by the library itself.

import { FACE } from "./constants.js";
import { release } from "./loader.js";
import { PixelCanvas } from "./webgl.js";

/** @import { Files } from "./loader.js" */
/** @import { Image } from "./pixels.js" */

/** @typedef {{ score: number, categoryName: string }} Category */

/**
 * What is used of a landmarker; x and y are shares of the picture's sides.
 * @typedef {object} Landmarker
 * @property {(picture: Image, timeMs: number) => Landmarks} detectForVideo
 * @property {(picture: Image) => Landmarks} detect
 * @property {() => void} close
 */

/** @typedef {{ faceLandmarks: { x: number, y: number }[][], faceBlendshapes: { categories: Category[] }[] }} Landmarks */

/**
 * What is used of a detector; boxes are in pixels.
 * @typedef {object} Detector
 * @property {(picture: Image) => { detections: Detection[] }} detect
 * @property {() => void} close
 */

/**
 * @typedef {object} Detection
 * @property {{ originX: number, originY: number, width: number, height: number }} boundingBox
 * @property {Category[]} categories
 */

/** The library and its WebAssembly, compiled once for all tasks. */
export class MediaPipe {
  #vision;
  #factory;
  #compiled;
  #files;

  /**
   * @param {any} vision
   * @param {unknown} factory
   * @param {WebAssembly.Module} compiled
   * @param {Files} files
   */
  constructor(vision, factory, compiled, files) {
    this.#vision = vision;
    this.#factory = factory;
    this.#compiled = compiled;
    this.#files = files;
  }

  /** @param {Files} files */
  static async load(files) {
    const [vision, loader, compiled] = await Promise.all([
      import(files.vision.url), import(files.vision_loader.url), WebAssembly.compile(files.vision_wasm.bytes),
    ]);
    release(files.vision_wasm);
    const global = /** @type {any} */ (globalThis);
    global.custom_dbg = () => {}; // else the library tells the console how it gets on
    return new MediaPipe(vision, loader.default, compiled, files);
  }

  /**
   * @param {"IMAGE" | "VIDEO"} runningMode
   * @param {number} numFaces
   * @returns {Promise<Landmarker>}
   */
  landmarker(runningMode, numFaces) {
    return this.#make(this.#vision.FaceLandmarker, this.#files.landmarker.bytes, {
      runningMode, numFaces, outputFaceBlendshapes: true,
    });
  }

  /** @returns {Promise<Detector>} */
  detector() {
    return this.#make(this.#vision.FaceDetector, this.#files.detector.bytes, {
      runningMode: "IMAGE", minDetectionConfidence: FACE.POSSIBLE,
    });
  }

  /**
   * @param {any} Task
   * @param {Uint8Array} modelAssetBuffer
   * @param {object} options
   */
  async #make(Task, modelAssetBuffer, options) {
    const compiled = this.#compiled;
    const global = /** @type {any} */ (globalThis); // where the library looks for them, and takes them away
    global.ModuleFactory = this.#factory;
    global.Module = {
      /** @param {WebAssembly.Imports} imports @param {(instance: WebAssembly.Instance, of: WebAssembly.Module) => void} done */
      instantiateWasm(imports, done) {
        void WebAssembly.instantiate(compiled, imports).then((instance) => done(instance, compiled));
        return {};
      },
    };
    return Task.createFromOptions(
      { wasmLoaderPath: "", wasmBinaryPath: "" },
      { ...options, baseOptions: { modelAssetBuffer, delegate: "CPU" }, canvas: new PixelCanvas() },
    );
  }
}

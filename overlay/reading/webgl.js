// What MediaPipe asks of WebGL, without WebGL. Its tasks take a picture in by way of a texture, for the processor as
// well, and read it back at once; no shader runs. So this keeps the picture's pixels and hands them out again: the same
// on every machine, with a graphics card, with another or with none. It knows no more of WebGL than the one version of
// MediaPipe that is served calls (docs/decisions/0053-a-face-in-the-browser.md).

/** @import { Image } from "./pixels.js" */

/** @typedef {{ picture: Image | null }} Texture */

const [RENDERER, VERSION, MAX_TEXTURE_SIZE, MAJOR_VERSION] = [0x1f01, 0x1f02, 0x0d33, 0x821b];
/** @type {Readonly<Record<number, string | number>>} */
const PARAMETERS = {
  [RENDERER]: "none",
  [VERSION]: "WebGL 2.0 (OpenGL ES 3.0)",
  [MAX_TEXTURE_SIZE]: 8192,
  [MAJOR_VERSION]: 3,
};
const [FRAMEBUFFER_COMPLETE, ALREADY_SIGNALED] = [0x8cd5, 0x911a];

class Context {
  TEXTURE_2D = 0x0de1;
  RGBA = 0x1908;
  UNSIGNED_BYTE = 0x1401;
  /** @type {Texture | null} */
  #bound = null;
  /** @type {Texture | null} */
  #attached = null;

  /** @param {unknown} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }

  /** @param {number} name */
  getParameter(name) {
    return PARAMETERS[name] ?? 0;
  }

  getContextAttributes() {
    return { alpha: true, antialias: false, depth: false, premultipliedAlpha: true, stencil: false };
  }

  getExtension() {
    return null;
  }

  getSupportedExtensions() {
    return [];
  }

  getError() {
    return 0;
  }

  isContextLost() {
    return false;
  }

  /** @returns {Texture} */
  createTexture() {
    return { picture: null };
  }

  /** @param {number} _target @param {Texture | null} texture */
  bindTexture(_target, texture) {
    this.#bound = texture;
  }

  /** As it is called with a picture. @param {[number, number, number, number, number, Image]} given */
  texImage2D(...given) {
    if (this.#bound) this.#bound.picture = given[5];
  }

  /** @param {Texture} texture */
  deleteTexture(texture) {
    texture.picture = null;
  }

  /** @param {number} _target @param {number} _attachment @param {number} _kind @param {Texture | null} texture */
  framebufferTexture2D(_target, _attachment, _kind, texture) {
    this.#attached = texture;
  }

  checkFramebufferStatus() {
    return FRAMEBUFFER_COMPLETE;
  }

  /**
   * All of the picture that was put into the texture which the framebuffer has.
   *
   * @param {number} _x @param {number} _y @param {number} _width @param {number} _height
   * @param {number} _format @param {number} _type
   * @param {Uint8Array} into
   * @param {number} at
   */
  readPixels(_x, _y, _width, _height, _format, _type, into, at) {
    if (this.#attached?.picture) into.set(this.#attached.picture.data, at);
  }

  clientWaitSync() {
    return ALREADY_SIGNALED;
  }

  // What changes nothing here.
  activeTexture() {}
  bindFramebuffer() {}
  createFramebuffer() { return {}; }
  deleteFramebuffer() {}
  deleteSync() {}
  fenceSync() { return {}; }
  finish() {}
  flush() {}
  pixelStorei() {}
  texParameteri() {}
  viewport() {}
}

/** In place of a canvas, for one of MediaPipe's tasks. */
export class PixelCanvas {
  width = 1;
  height = 1;
  #context = new Context(this);

  getContext() {
    return this.#context;
  }

  addEventListener() {}
  removeEventListener() {}
}

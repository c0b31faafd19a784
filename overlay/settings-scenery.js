// What the preview lies over: something like a game, drawn by time alone, so that a look can be judged over what moves.

const WIDTH = 640; // of the drawing; it is scaled to the canvas
const HEIGHT = 360;
const STILL_S = 7; // the picture for whoever wants no motion
const FRAME_MS = 1000 / 30;
const TILE = 24;

/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * A row of hills that goes by.
 *
 * @param {Pen} pen
 * @param {string} colour
 * @param {number} base where they stand
 * @param {number} height
 * @param {number} shift
 */
function hills(pen, colour, base, height, shift) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(0, HEIGHT);
  for (let x = 0; x <= WIDTH; x += 8) {
    const at = (x + shift) / 90;
    pen.lineTo(x, base - height * (0.5 + 0.3 * Math.sin(at) + 0.2 * Math.sin(2.7 * at + 1)));
  }
  pen.lineTo(WIDTH, HEIGHT);
  pen.fill();
}

/**
 * The ground with its gaps, and blocks and coins over it.
 *
 * @param {Pen} pen
 * @param {number} shift
 * @param {number} seconds
 */
function level(pen, shift, seconds) {
  const first = Math.floor(shift / TILE);
  for (let column = first; column <= first + WIDTH / TILE + 1; column++) {
    const x = column * TILE - shift;
    const kind = Math.abs(Math.sin(column * 12.9898) * 43758.5453) % 1; // the same for a column each time
    pen.fillStyle = column % 2 ? "#7a4a2b" : "#84512f";
    pen.fillRect(x, HEIGHT - 2 * TILE, TILE + 1, 2 * TILE);
    pen.fillStyle = "#58b947";
    pen.fillRect(x, HEIGHT - 2 * TILE, TILE + 1, 7);
    if (kind > 0.86) {
      pen.fillStyle = "#c9702e";
      pen.fillRect(x + 1, HEIGHT - 6 * TILE, TILE - 2, TILE - 2);
      pen.fillStyle = "#e79a4f";
      pen.fillRect(x + 3, HEIGHT - 6 * TILE + 2, TILE - 6, 5);
    } else if (kind > 0.7) {
      pen.fillStyle = "#ffd84d";
      pen.beginPath();
      pen.ellipse(x + 12, HEIGHT - 4.2 * TILE, 7 * Math.abs(Math.cos(3 * seconds + column)), 8, 0, 0, 7);
      pen.fill();
    }
  }
}

/**
 * @param {Pen} pen
 * @param {number} seconds
 */
function hero(pen, seconds) {
  const jump = Math.max(0, Math.sin(2.4 * seconds)) * 62;
  const y = HEIGHT - 2 * TILE - 34 - jump;
  pen.fillStyle = "#e23d5b";
  pen.fillRect(204, y, 26, 24);
  pen.fillStyle = "#ffe1c4";
  pen.fillRect(208, y - 12, 20, 14);
  pen.fillStyle = "#22283a";
  pen.fillRect(221, y - 8, 4, 5);
  const step = jump ? 5 : 5 * Math.sin(14 * seconds);
  pen.fillRect(207 + step, y + 24, 8, 10);
  pen.fillRect(219 - step, y + 24, 8, 10);
}

/**
 * @param {Pen} pen
 * @param {number} seconds
 */
function draw(pen, seconds) {
  const shift = 110 * seconds;
  const sky = pen.createLinearGradient(0, 0, 0, HEIGHT);
  sky.addColorStop(0, "#3d7edb");
  sky.addColorStop(0.75, "#bfe3f7");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  pen.fillStyle = "#fff6d0";
  pen.beginPath();
  pen.arc(520, 74, 30, 0, 7);
  pen.fill();
  pen.fillStyle = "#eef6fd";
  for (let i = 0; i < 4; i++) {
    const x = ((i * 230 - 0.12 * shift) % 920 + 920) % 920 - 140;
    pen.beginPath();
    for (const [dx, dy, size] of [[0, 4, 14], [20, -4, 20], [44, 3, 15]]) pen.arc(x + dx, 72 + 26 * (i % 2) + dy, size, 0, 7);
    pen.fill();
  }
  hills(pen, "#7fb0d8", 270, 130, 0.2 * shift);
  hills(pen, "#4e9a72", 300, 110, 0.45 * shift + 200);
  hills(pen, "#2f7a4d", 322, 70, 0.7 * shift + 900);
  level(pen, shift, seconds);
  hero(pen, seconds);
  pen.fillStyle = "rgba(12, 18, 34, 0.55)"; // what a game shows over itself
  pen.fillRect(14, 12, 118, 14);
  pen.fillStyle = "#ff5a6e";
  pen.fillRect(16, 14, 84 + 20 * Math.sin(seconds), 10);
  pen.fillStyle = "#fff";
  pen.font = "700 15px monospace";
  pen.fillText(String(1250 + 10 * Math.floor(2 * seconds)).padStart(6, "0"), WIDTH - 72, 26);
}

/**
 * Keep a canvas moving for as long as `isWanted` says so; for whoever asked for less motion it shows one picture.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {() => boolean} isWanted
 */
export function animate(canvas, isWanted) {
  const pen = canvas.getContext("2d");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let last = -Infinity;
  /** @param {number} now */
  const step = (now) => {
    requestAnimationFrame(step);
    if (!pen || !isWanted() || now - last < FRAME_MS - 1 || (calm.matches && last > 0)) return;
    last = now;
    const scale = Math.max(canvas.width / WIDTH, canvas.height / HEIGHT);
    // What is too much is cut off on the right and above.
    pen.setTransform(scale, 0, 0, scale, 0, canvas.height - scale * HEIGHT);
    draw(pen, calm.matches ? STILL_S : now / 1000);
  };
  new ResizeObserver(([{ contentRect }]) => {
    canvas.width = Math.round(contentRect.width);
    canvas.height = Math.round(contentRect.height);
    last = -Infinity;
  }).observe(canvas);
  requestAnimationFrame(step);
}

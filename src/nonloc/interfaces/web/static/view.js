// Looking at pictures: squares of a size that fits the zoom, drawn on canvases that share one place and one zoom.
// Zoom is device pixels per picture pixel, so that 100 % shows each pixel as one.

const SQUARE = 512, KEPT = 200, LARGEST = 16;
const squares = new Map();
const waiting = new Set();

// One layer: where its squares are (`address(level, column, row)`), and the sizes of its levels.
export const layer = (address, sizes) => ({ address, sizes });

// The picture of a square; null until it comes, false when it cannot be had.
function square(url) {
  let found = squares.get(url);
  if (found) { squares.delete(url); squares.set(url, found); return found.complete ? found.naturalWidth > 0 && found : null; }
  found = new Image();
  found.onload = found.onerror = () => waiting.forEach((draw) => draw());
  found.src = url;
  squares.set(url, found);
  if (squares.size > KEPT) squares.delete(squares.keys().next().value);
  return null;
}

// The place and zoom that all panes share.
export class Place {
  constructor(changed) { Object.assign(this, { x: 0, y: 0, zoom: 1, width: 1, height: 1, fitted: true, changed }); }

  of(width, height) {
    if (width === this.width && height === this.height) return;
    Object.assign(this, { width, height, x: width / 2, y: height / 2, fitted: true });
  }

  fit(wide, high, most) {
    this.fitted = true;
    this.zoom = Math.min(most, wide / this.width, high / this.height);
    Object.assign(this, { x: this.width / 2, y: this.height / 2 });
  }

  to(zoom, x = this.x, y = this.y) {
    const least = Math.min(this.zoom, 0.02);
    this.fitted = false;
    this.zoom = Math.min(LARGEST, Math.max(least, zoom));
    this.move(x, y);
  }

  // zoom in or out so that the picture's point at (x, y) stays under the pointer
  by(factor, x = this.x, y = this.y) {
    const before = this.zoom;
    this.to(this.zoom * factor);
    const part = 1 - before / this.zoom;
    this.move(this.x + (x - this.x) * part, this.y + (y - this.y) * part);
  }

  move(x, y) {
    this.x = Math.min(this.width, Math.max(0, x));
    this.y = Math.min(this.height, Math.max(0, y));
    this.changed();
  }
}

// One canvas. `layers()` gives what to draw: [{layer, from, to, alpha, ground}], from and to as parts of the width;
// `loading()` whether more layers are to come. The canvas is marked as busy until all is drawn.
export class Pane {
  constructor(canvas, place, layers, loading) {
    Object.assign(this, { canvas, place, layers, loading, asked: false, missing: false });
    this.draw = () => {
      if (this.asked) return;
      this.asked = true;
      canvas.setAttribute("aria-busy", true);
      requestAnimationFrame(() => {
        this.asked = this.missing = false;
        this.paint();
        if (!this.asked) canvas.setAttribute("aria-busy", this.missing || loading());
      });
    };
    waiting.add(this.draw);
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(canvas);
    hold(canvas, this);
  }

  end() { waiting.delete(this.draw); this.sized.disconnect(); }

  get ratio() { return window.devicePixelRatio || 1; }

  paint() {
    const { canvas, place } = this, box = canvas.getBoundingClientRect();
    const wide = Math.round(box.width * this.ratio), high = Math.round(box.height * this.ratio);
    if (!wide || !high) return;
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    if (place.fitted) { place.fit(wide, high, this.ratio); place.changed(true); }
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, wide, high);
    for (const one of this.layers()) {
      const from = Math.round(one.from * wide), to = Math.round(one.to * wide);
      if (!one.layer || to <= from) continue;
      pen.save();
      pen.beginPath();
      pen.rect(from, 0, to - from, high);
      pen.clip();
      if (one.ground) { pen.fillStyle = one.ground; pen.fillRect(...this.edges(0, 0, place.width, place.height)); }
      pen.globalAlpha = one.alpha ?? 1;
      this.lay(pen, one.layer, wide, high);
      pen.restore();
    }
  }

  // a rectangle of the picture as one of the canvas, on whole pixels so that squares meet
  edges(x0, y0, x1, y1) {
    const { place, canvas } = this;
    const across = (x) => Math.round(canvas.width / 2 + (x - place.x) * place.zoom);
    const down = (y) => Math.round(canvas.height / 2 + (y - place.y) * place.zoom);
    return [across(x0), down(y0), across(x1) - across(x0), down(y1) - down(y0)];
  }

  lay(pen, { address, sizes }, wide, high) {
    const { place } = this, last = sizes.length - 1;
    const level = Math.min(last, Math.max(0, Math.floor(Math.log2(1 / place.zoom) + 0.01)));
    pen.imageSmoothingEnabled = place.zoom < 3 && !Number.isInteger(place.zoom);
    pen.imageSmoothingQuality = "high";
    const fine = this.seen(sizes, level, wide, high).map(([c, r]) => [c, r, square(address(level, c, r))]);
    if (fine.some(([, , picture]) => picture === null)) this.missing = true;
    if (level !== last && fine.some(([, , picture]) => !picture)) {
      for (const [c, r] of this.seen(sizes, last, wide, high)) this.put(pen, sizes, last, c, r, square(address(last, c, r)));
    }
    for (const [c, r, picture] of fine) this.put(pen, sizes, level, c, r, picture);
  }

  seen(sizes, level, wide, high) {
    const { place } = this, [w, h] = sizes[level], found = [];
    const step = (SQUARE * place.width) / w, rise = (SQUARE * place.height) / h;
    const half = wide / 2 / place.zoom, tall = high / 2 / place.zoom;
    const clip = (value, most) => Math.min(most, Math.max(0, value));
    const right = Math.ceil(w / SQUARE) - 1, bottom = Math.ceil(h / SQUARE) - 1;
    for (let r = clip(Math.floor((place.y - tall) / rise), bottom); r <= clip(Math.floor((place.y + tall) / rise), bottom); r++) {
      for (let c = clip(Math.floor((place.x - half) / step), right); c <= clip(Math.floor((place.x + half) / step), right); c++) found.push([c, r]);
    }
    return found;
  }

  put(pen, sizes, level, c, r, picture) {
    if (!picture) return;
    const [w, h] = sizes[level], { place } = this;
    const x = (c * SQUARE * place.width) / w, y = (r * SQUARE * place.height) / h;
    const right = (Math.min(w, (c + 1) * SQUARE) * place.width) / w, bottom = (Math.min(h, (r + 1) * SQUARE) * place.height) / h;
    pen.drawImage(picture, ...this.edges(x, y, right, bottom));
  }
}

// Mouse, touch and keys of a canvas.
function hold(canvas, pane) {
  const { place } = pane, fingers = new Map();
  const at = (event) => {
    const box = canvas.getBoundingClientRect(), { ratio } = pane;
    return [place.x + ((event.clientX - box.left - box.width / 2) * ratio) / place.zoom,
      place.y + ((event.clientY - box.top - box.height / 2) * ratio) / place.zoom];
  };
  const apart = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y) || 1; };
  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const old = fingers.get(event.pointerId);
    if (!old) return;
    const before = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const scale = pane.ratio / place.zoom / fingers.size;
    place.fitted = false;
    place.move(place.x - (event.clientX - old.x) * scale, place.y - (event.clientY - old.y) * scale);
    if (before) place.by(apart() / before, ...at(event));
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    place.by(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 240), ...at(event));
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => {
    if (place.zoom === 1) { place.fitted = true; pane.draw(); place.changed(); } else place.to(1, ...at(event));
  });
  canvas.addEventListener("keydown", (event) => {
    const step = (event.shiftKey ? 400 : 60) / place.zoom;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    place.fitted = false;
    place.move(place.x + moves[event.key][0], place.y + moves[event.key][1]);
  });
}

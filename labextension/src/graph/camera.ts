// Where the scene is looked at from, and the gestures that move it: drag, pinch, wheel with ctrl, and glides.

import type { Box } from './boxes';

const MIN_ZOOM = 0.02;
const MAX_ZOOM = 3;
const GLIDE_MS = 260;

export class Camera {
  /** What lies in the middle of the window, in the scene's units. */
  x = 0;
  y = 0;
  zoom = 1;
  /** The window in pixels. */
  width = 640;
  height = 240;
  /** Whether somebody has moved it by hand. */
  touched = false;
  #frame = 0;
  readonly #watchers: (() => void)[] = [];

  constructor(readonly world: Box) {}

  /** Calls `moved` whenever the camera has moved. */
  watch(moved: () => void): void {
    this.#watchers.push(moved);
  }

  get window(): Box {
    const [w, h] = [this.width / 2 / this.zoom, this.height / 2 / this.zoom];
    return { left: this.x - w, right: this.x + w, top: this.y - h, bottom: this.y + h };
  }

  get transform(): string {
    const [x, y] = this.toWindow(0, 0);
    return `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${this.zoom.toFixed(4)})`;
  }

  toWindow(x: number, y: number): [number, number] {
    return [(x - this.x) * this.zoom + this.width / 2, (y - this.y) * this.zoom + this.height / 2];
  }

  look(x: number, y: number, zoom = this.zoom): void {
    const { left, right, top, bottom } = this.world;
    this.zoom = clamp(zoom, MIN_ZOOM, MAX_ZOOM);
    this.x = clamp(x, left, right);
    this.y = clamp(y, top, bottom);
    for (const moved of this.#watchers) moved();
  }

  /** Moves by pixels. */
  pan(dx: number, dy: number): void {
    this.stop();
    this.touched = true;
    this.look(this.x + dx / this.zoom, this.y + dy / this.zoom);
  }

  /** Zooms while the point at (px, py) of the window stays where it is. */
  zoomAt(factor: number, px = this.width / 2, py = this.height / 2): void {
    this.stop();
    this.touched = true;
    const zoom = clamp(this.zoom * factor, MIN_ZOOM, MAX_ZOOM);
    const shift = 1 / this.zoom - 1 / zoom;
    this.look(this.x + (px - this.width / 2) * shift, this.y + (py - this.height / 2) * shift, zoom);
  }

  /** The zoom at which the whole scene is in the window, never larger than life. */
  get fitting(): number {
    const { left, right, top, bottom } = this.world;
    return Math.min(1, this.width / Math.max(1, right - left), this.height / Math.max(1, bottom - top));
  }

  fit(): void {
    this.stop();
    this.touched = false;
    this.look((this.world.left + this.world.right) / 2, (this.world.top + this.world.bottom) / 2, this.fitting);
  }

  /** Looks at a point, but not past the scene's edges. */
  survey(x: number, y: number, zoom: number): void {
    this.look(...this.#bounded(x, y, zoom), zoom);
  }

  /** Brings a box into the window where it is not, smoothly unless `still`. */
  follow(box: Box, still: boolean): void {
    const { left, right, top, bottom } = this.window;
    const margin = 8 / this.zoom;
    const [across, down] = [
      box.left - margin < left || box.right + margin > right,
      box.top - margin < top || box.bottom + margin > bottom,
    ];
    if (!across && !down) return;
    const to = this.#bounded(
      across ? (box.left + box.right) / 2 : this.x,
      down ? (box.top + box.bottom) / 2 : this.y,
      this.zoom,
    );
    this.glide(...to, still);
  }

  /** The point next to (x, y) from which nothing beyond the scene is seen, or the middle of a scene that is smaller. */
  #bounded(x: number, y: number, zoom: number): [number, number] {
    const { left, right, top, bottom } = this.world;
    const within = (at: number, low: number, high: number, half: number) =>
      high - low < 2 * half ? (low + high) / 2 : clamp(at, low + half, high - half);
    return [within(x, left, right, this.width / 2 / zoom), within(y, top, bottom, this.height / 2 / zoom)];
  }

  glide(x: number, y: number, still: boolean): void {
    this.stop();
    if (still) return this.look(x, y);
    const from = { x: this.x, y: this.y, at: performance.now() };
    const move = (now: number) => {
      const t = clamp((now - from.at) / GLIDE_MS, 0, 1);
      const eased = t * t * (3 - 2 * t);
      this.look(from.x + (x - from.x) * eased, from.y + (y - from.y) * eased);
      if (t < 1) this.#frame = requestAnimationFrame(move);
    };
    this.#frame = requestAnimationFrame(move);
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}

/** Moves the camera with mouse, pen, fingers and wheel. A plain wheel is left to the page. */
export function gestures(stage: HTMLElement, camera: Camera): void {
  stage.addEventListener('wheel', (event) => onWheel(event, stage, camera), { passive: false });
  const held = new Map<number, { x: number; y: number }>();
  stage.addEventListener('pointerdown', (event) => {
    if (event.button === 0 && !isControl(event.target))
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  stage.addEventListener('pointermove', (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    // Capturing the pointer at once would swallow the clicks on nodes.
    if (!stage.hasPointerCapture(event.pointerId)) {
      if (Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
      stage.setPointerCapture(event.pointerId);
      stage.classList.add('dragging');
    }
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(stage, camera, before, now, other);
    else camera.pan(before.x - now.x, before.y - now.y);
    held.set(event.pointerId, now);
  });
  const release = (event: PointerEvent) => {
    held.delete(event.pointerId);
    if (held.size === 0) stage.classList.remove('dragging');
  };
  stage.addEventListener('pointerup', release);
  stage.addEventListener('pointercancel', release);
}

type Point = { x: number; y: number };

function pinch(stage: HTMLElement, camera: Camera, before: Point, now: Point, other: Point): void {
  const rect = stage.getBoundingClientRect();
  const apart = (p: Point) => Math.max(10, Math.hypot(p.x - other.x, p.y - other.y));
  camera.pan((before.x - now.x) / 2, (before.y - now.y) / 2);
  camera.zoomAt(apart(now) / apart(before), (now.x + other.x) / 2 - rect.left, (now.y + other.y) / 2 - rect.top);
}

function onWheel(event: WheelEvent, stage: HTMLElement, camera: Camera): void {
  const unit = event.deltaMode === 1 ? 16 : 1;
  const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
  if (event.ctrlKey || event.metaKey) {
    const rect = stage.getBoundingClientRect();
    camera.zoomAt(Math.exp(-clamp(dy, -60, 60) * 0.008), event.clientX - rect.left, event.clientY - rect.top);
  } else if (event.altKey) camera.pan(dx, dy);
  else if (event.shiftKey) camera.pan(dx || dy, 0);
  else if (Math.abs(dx) > Math.abs(dy)) camera.pan(dx, 0);
  else return;
  event.preventDefault();
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, .details, .card.over') !== null;
}

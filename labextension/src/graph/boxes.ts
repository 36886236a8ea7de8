// Rectangles in the scene's units or in pixels: around a node, around several, and whether two meet.

import type { Point } from './curve';

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** How far what hangs over a node's edges reaches: its pill, its badge. */
const OVERHANG = 12;

export function boxOf({ x, y, width, height }: { x: number; y: number; width: number; height: number }): Box {
  return {
    left: x - width / 2,
    right: x + width / 2,
    top: y - height / 2 - OVERHANG,
    bottom: y + height / 2 + OVERHANG,
  };
}

/** Around at least one box. */
export function bounds(boxes: Box[]): Box {
  return boxes.reduce((a, b) => ({
    left: Math.min(a.left, b.left),
    right: Math.max(a.right, b.right),
    top: Math.min(a.top, b.top),
    bottom: Math.max(a.bottom, b.bottom),
  }));
}

export function spread(points: Point[]): Box {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

export function overlaps(a: Box, b: Box): boolean {
  return a.left <= b.right && a.right >= b.left && a.top <= b.bottom && a.bottom >= b.top;
}

// The size of the picture, and what of the graph is seen in it at first.

import type { Camera } from './camera';

const HEIGHT = { least: 150, most: 480 };
/** Below this zoom nobody reads comfortably. */
const LEGIBLE = 0.5;
/** Where the whole cannot be read, a part of it is shown at this zoom. */
const PART = 0.8;

export function fitsLegibly(camera: Camera): boolean {
  return camera.fitting >= LEGIBLE;
}

/** As high as the graph wants at this width and up to `tallest`, or as high as was asked for. */
export function heightOf({ width, world }: Camera, asked: number | undefined, tallest = HEIGHT.most): number {
  if (asked !== undefined) return Math.max(HEIGHT.least, asked);
  const zoom = Math.min(1, width / Math.max(1, world.right - world.left));
  const wanted = (world.bottom - world.top) * Math.max(zoom, LEGIBLE);
  return Math.min(Math.max(tallest, HEIGHT.most), Math.max(HEIGHT.least, wanted));
}

/** The whole graph where it can be read, else the part around a point. */
export function overview(camera: Camera, part: { x: number; y: number } | undefined): void {
  camera.fit();
  if (!fitsLegibly(camera) && part) camera.survey(part.x, part.y, PART);
}

/** The whole graph again, or what has just been unfolded. */
export function afterFolding(camera: Camera, part: { x: number; y: number } | undefined): void {
  if (fitsLegibly(camera)) camera.fit();
  else if (part) camera.survey(part.x, part.y, Math.max(LEGIBLE, camera.zoom));
}

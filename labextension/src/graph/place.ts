// Finds a place for the card where it covers nothing of the picture.

import type { Box } from './boxes';

const GAP = 16;
const EDGE = 8;
/** Between the card and what it stands beside. */
const CLEAR = 4;
/** How many places are tried from left to right, and from top to bottom. */
const TRIES = 9;

type Corner = [number, number];
export interface Size {
  width: number;
  height: number;
}

/** The left upper corner for a card of this size in a window of this size, as near to the boxes in `focus` as can be
 * without covering them or `others`; undefined where there is no room. */
export function placeCard(size: Size, window: Size, focus: Box[], others: Box[]): Corner | undefined {
  const [right, bottom] = [window.width - size.width - EDGE, window.height - size.height - EDGE];
  if (right < EDGE || bottom < EDGE) return undefined;
  const corners = focus.flatMap((box) => around(box, size));
  for (let i = 0; i < TRIES; i++)
    for (let j = 0; j < TRIES; j++)
      corners.push([
        EDGE + ((right - EDGE) * i) / (TRIES - 1),
        EDGE + ((bottom - EDGE) * j) / (TRIES - 1),
      ]);
  const [x, y] = centre(focus);
  const far = ([left, top]: Corner) => Math.hypot(left + size.width / 2 - x, top + size.height / 2 - y);
  const inside = corners.map(([left, top]): Corner => [
    Math.max(EDGE, Math.min(left, right)),
    Math.max(EDGE, Math.min(top, bottom)),
  ]);
  const taken = [...focus, ...others];
  return inside.sort((a, b) => far(a) - far(b)).find((at) => taken.every((box) => !covers(at, size, box)));
}

/** To the right, to the left, below and above a box. */
function around({ left, top, right, bottom }: Box, { width, height }: Size): Corner[] {
  const [x, y] = [(left + right - width) / 2, (top + bottom - height) / 2];
  return [
    [right + GAP, y],
    [left - GAP - width, y],
    [right + GAP, bottom + GAP],
    [left - GAP - width, bottom + GAP],
    [x, bottom + GAP],
    [x, top - GAP - height],
  ];
}

function centre(boxes: Box[]): Corner {
  const mean = (pick: (box: Box) => number) =>
    boxes.reduce((sum, box) => sum + pick(box), 0) / Math.max(1, boxes.length);
  return [mean(({ left, right }) => (left + right) / 2), mean(({ top, bottom }) => (top + bottom) / 2)];
}

function covers([x, y]: Corner, { width, height }: Size, { left, top, right, bottom }: Box): boolean {
  return (
    x < right + CLEAR && left - CLEAR < x + width && y < bottom + CLEAR && top - CLEAR < y + height
  );
}

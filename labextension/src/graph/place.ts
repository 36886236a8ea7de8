// Finds a place for the card where it covers as little of the picture as possible.

import type { Box } from './camera';

const GAP = 16;
const EDGE = 8;

type Corner = [number, number];
export interface Size {
  width: number;
  height: number;
}

/** The left upper corner for a card of this size near the boxes in `focus`, in a window of this size. */
export function placeCard(size: Size, window: Size, focus: Box[], others: Box[]): Corner {
  const [right, bottom] = [window.width - size.width - EDGE, window.height - size.height - EDGE];
  const corners: Corner[] = [
    [EDGE, EDGE],
    [right, EDGE],
    [EDGE, bottom],
    [right, bottom],
  ];
  for (const box of focus) corners.push(...around(box, size));
  const middle = centre(focus);
  const cost = ([left, top]: Corner) => {
    const card = { left, top, right: left + size.width, bottom: top + size.height };
    const hidden = (boxes: Box[]) => boxes.reduce((sum, box) => sum + overlap(card, box), 0);
    const [x, y] = centre([card]);
    return 20 * hidden(focus) + 4 * hidden(others) + 8 * Math.hypot(x - middle[0], y - middle[1]);
  };
  const inside = corners.map(([x, y]): Corner => [
    Math.max(EDGE, Math.min(x, right)),
    Math.max(EDGE, Math.min(y, bottom)),
  ]);
  return inside.map((at) => ({ at, cost: cost(at) })).sort((a, b) => a.cost - b.cost)[0]!.at;
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

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

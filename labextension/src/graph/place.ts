// Finds a place for the card where it covers as little of the picture as possible.

import type { Box } from './camera';

const GAP = 16;

/** The left upper corner for a card of this size beside `focus`, in a window of this size. */
export function placeCard(size: { width: number; height: number }, window: { width: number; height: number }, focus: Box, others: Box[]): [number, number] {
  const [x, y] = [(focus.left + focus.right) / 2 - size.width / 2, (focus.top + focus.bottom) / 2 - size.height / 2];
  const [right, bottom] = [window.width - size.width - 8, window.height - size.height - 8];
  const corners: [number, number][] = [
    [focus.right + GAP, y], [focus.left - GAP - size.width, y], [x, focus.bottom + GAP], [x, focus.top - GAP - size.height],
    [8, 8], [right, 8], [8, bottom], [right, bottom],
  ];
  const inside = corners.map(([cx, cy]): [number, number] => [Math.max(8, Math.min(cx, right)), Math.max(8, Math.min(cy, bottom))]);
  const cost = ([left, top]: [number, number]) => {
    const card = { left, top, right: left + size.width, bottom: top + size.height };
    return 50 * overlap(card, focus) + others.reduce((sum, box) => sum + overlap(card, box), 0);
  };
  // A stable sort by cost: among equally good places the first wins.
  return inside.map((at, i) => ({ at, cost: cost(at) + i })).sort((a, b) => a.cost - b.cost)[0]!.at;
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

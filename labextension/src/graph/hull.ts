// What belongs to an opened group, as one piece behind its nodes: it follows them, so it never lies under a neighbour.

import { path } from './curve';
import { s } from './dom';
import type { Item } from './glyph';
import type { Wire } from './scene';

const PADDING = 10;

export function hull(items: Item[], wires: Wire[]): SVGGElement {
  return s(
    'g',
    { class: 'hull' },
    ...wires.map(({ points }) => s('path', { d: path(points) })),
    ...items.map(({ x, y, width, height }) =>
      s('rect', {
        x: x - width / 2 - PADDING,
        y: y - height / 2 - PADDING,
        width: width + 2 * PADDING,
        height: height + 2 * PADDING,
        rx: PADDING + 6,
      }),
    ),
  );
}

// Thousands of nodes seen from far away: one path per colour, and all links as one more.

import type { Look } from './colour';
import { s } from './dom';
import type { Item } from './glyph';
import type { Wire } from './scene';

/** How many strengths of a colour can be told apart. */
const SHADES = 4;

export function far(items: Item[], wires: Wire[], lookOf: (item: Item) => Look | undefined): SVGElement[] {
  const fills = new Map<string, { d: string[]; look?: Look }>();
  for (const item of items) {
    const look = lookOf(item);
    const key = `${look?.hue} ${Math.round((look?.strength ?? 0) * SHADES)}`;
    const fill = fills.get(key) ?? { d: [], look };
    fill.d.push(rectangle(item));
    fills.set(key, fill);
  }
  return [s('path', { class: 'link', d: wires.map(straight).join('') }), ...[...fills.values()].map(painted)];
}

function painted({ d, look }: { d: string[]; look?: Look }): SVGPathElement {
  const shape = s('path', { class: `far ${look ? `hue-${look.hue}` : ''}`, d: d.join('') });
  shape.style.setProperty('--t', String(look?.strength ?? 0));
  return shape;
}

function rectangle({ x, y, width, height }: Item): string {
  const [w, h] = [Math.round(width), Math.round(height)];
  return `M${Math.round(x - width / 2)} ${Math.round(y - height / 2)}h${w}v${h}h${-w}z`;
}

function straight({ points }: Wire): string {
  return points.map(([x, y], i) => `${i ? 'L' : 'M'}${Math.round(x)} ${Math.round(y)}`).join('');
}

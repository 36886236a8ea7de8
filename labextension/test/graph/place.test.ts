// The card stands beside what it tells about, and covers nothing.

import { expect, test } from 'vitest';
import type { Box } from '../../src/graph/boxes';
import { placeCard } from '../../src/graph/place';

const size = { width: 200, height: 80 };
const box = (left: number, top: number, width = 100, height = 50): Box => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});

const overlaps = ([x, y]: [number, number], { left, top, right, bottom }: Box) =>
  x < right && left < x + size.width && y < bottom && top < y + size.height;

test('it stands in the window, near its node, and covers no other', () => {
  const focus = [box(300, 200)];
  const others = [box(420, 200), box(190, 200), box(300, 120), box(300, 280)];
  const at = placeCard(size, { width: 800, height: 480 }, focus, others)!;
  expect([...focus, ...others].filter((each) => overlaps(at, each))).toEqual([]);
  expect(at[0]).toBeGreaterThan(0);
  expect(at[0] + size.width).toBeLessThan(800);
  expect(Math.hypot(at[0] + 100 - 350, at[1] + 40 - 225)).toBeLessThan(250);
});

test('where every place covers something, there is none', () => {
  const crowd = [0, 1, 2, 3].flatMap((i) => [0, 1, 2, 3].map((j) => box(20 + 150 * i, 10 + 110 * j)));
  expect(placeCard(size, { width: 600, height: 440 }, [crowd[5]!], crowd)).toBeUndefined();
});

test('a window smaller than the card has no place', () => {
  expect(placeCard(size, { width: 210, height: 400 }, [box(20, 20, 10, 10)], [])).toBeUndefined();
});

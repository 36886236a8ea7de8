// Where boxes and edges are placed.

import { describe, expect, test } from 'vitest';
import { toLayoutInput } from '../../src/graph/diagram';
import { layout, type Layout, type LayoutInput } from '../../src/graph/layout';
import { goldens } from './golden';

/** Boxes named by letters; `ab>c` gives c the operands a and b. */
function graph(boxes: string, ...ops: string[]): LayoutInput {
  const edges = ops.flatMap((op) => {
    const [operands, to] = op.split('>');
    return [...operands!].map((from, order) => ({ from, to: to!, order }));
  });
  return { boxes: [...boxes].map((key) => ({ key, width: 80, height: 40 })), edges };
}

const at = ({ boxes }: Layout, key: string) => boxes.find((box) => box.key === key)!;

function expectNoOverlap({ boxes }: Layout): void {
  const rows = [...boxes].sort((a, b) => a.y - b.y);
  rows.forEach((a, i) => {
    for (const b of rows.slice(i + 1)) {
      if (b.y - a.y >= (a.height + b.height) / 2) continue;
      expect(Math.abs(a.x - b.x), `${a.key} and ${b.key}`).toBeGreaterThanOrEqual((a.width + b.width) / 2);
    }
  });
}

describe('golden traces', () => {
  for (const { name, pictures } of goldens)
    for (const picture of pictures)
      test(`${name} has the coordinates that Python gives it (${picture.collapse}, ${picture.expanded.length} open)`, () => {
        expect(layout(toLayoutInput(picture.diagram))).toEqual(picture.layout);
        expectNoOverlap(picture.layout);
      });
});

test('inputs stand above what uses them', () => {
  const picture = layout(graph('xwms', 'xw>m', 'm>s'));
  expect(at(picture, 'x').y).toBeLessThan(at(picture, 'm').y);
  expect(at(picture, 'm').y).toBeLessThan(at(picture, 's').y);
});

test('the left operand stands left', () => {
  const picture = layout(graph('xwm', 'wx>m'));
  expect(at(picture, 'w').x).toBeLessThan(at(picture, 'x').x);
});

test('a leaf stands directly above its only use, however late that is', () => {
  const picture = layout(graph('xabcwm', 'x>a', 'a>b', 'b>c', 'cw>m'));
  expect(at(picture, 'w').y).toBe(at(picture, 'c').y);
});

test('the computation runs straight down past its parameters', () => {
  const picture = layout(graph('xuavbwc', 'xu>a', 'av>b', 'bw>c'));
  expect(at(picture, 'a').x).toBeCloseTo(at(picture, 'c').x, -1);
});

test('a leaf that ops share gets chips at its far uses, and an edge at its nearest', () => {
  const picture = layout(graph('hwabcdef', 'hw>a', 'aw>b', 'bw>c', 'cw>d', 'dw>e', 'ew>f'));
  const chips = picture.boxes.filter(({ chipOf }) => chipOf === 'w');
  expect(chips.map(({ key }) => key)).toEqual(['w@b', 'w@c', 'w@d', 'w@e', 'w@f']);
  expect(picture.routes.filter(({ from }) => from === 'w').map(({ to }) => to)).toEqual(['a']);
  expectNoOverlap(picture);
});

test('an edge across layers leads around the boxes between', () => {
  const picture = layout(graph('xabcd', 'x>a', 'a>b', 'b>c', 'ca>d'));
  const { points } = picture.routes.find(({ from, to }) => from === 'a' && to === 'd')!;
  for (const key of ['b', 'c']) {
    const box = at(picture, key);
    for (const [x, y] of points.slice(1, -1))
      expect(Math.abs(y - box.y) <= 20 && Math.abs(x - box.x) < 40, `${key} is in the way`).toBe(false);
  }
});

test('parts that nothing connects stand side by side', () => {
  const picture = layout(graph('abcdef', 'a>b', 'c>d', 'e>f'));
  expect(at(picture, 'a').y).toBe(at(picture, 'c').y);
  expectNoOverlap(picture);
});

test('two edges from one box to one op end at two ports', () => {
  const [first, second] = layout(graph('xm', 'xx>m')).routes;
  expect(first!.points.at(-1)![0]).toBeLessThan(second!.points.at(-1)![0]);
});

test('nothing at all has no size', () => {
  expect(layout({ boxes: [], edges: [] })).toEqual({ boxes: [], routes: [], width: 0, height: 0 });
});

test('an edge against the tape is refused', () => {
  expect(() => layout(graph('ab', 'b>a'))).toThrow('does not follow tape order');
});

test('a chain of 100,000 is placed without recursion', () => {
  const count = 100_000;
  const boxes = Array.from({ length: count }, (_, i) => ({ key: `${i}`, width: 80, height: 40 }));
  const edges = boxes.slice(1).map(({ key }, i) => ({ from: `${i}`, to: key, order: 0 }));
  expect(layout({ boxes, edges }).boxes).toHaveLength(count);
});

test('many long edges into one op end in reasonable time', () => {
  const count = 3_000;
  const boxes = Array.from({ length: count }, (_, i) => ({ key: `${i}`, width: 80, height: 40 }));
  const edges = boxes.slice(1).map(({ key }, i) => ({ from: `${i}`, to: key, order: 0 }));
  for (let i = 0; i < count - 2; i++) edges.push({ from: `${i}`, to: `${count - 1}`, order: i + 1 });
  expect(layout({ boxes, edges }).routes).toHaveLength(edges.length);
});

// What is drawn of a trace, and how it folds.

import { describe, expect, test } from 'vitest';
import { diagram, type Diagram } from '../../src/graph/diagram';
import type { Folding } from '../../src/graph/fold';
import type { Op, Trace } from '../../src/graph/schema';
import { validate } from '../../src/graph/validate';
import { goldens } from './golden';

const golden = (name: string): Trace => goldens.find((each) => each.name === `${name}.json`)!.trace;
const draw = (trace: Trace, collapse: Folding['collapse'] = 'auto', expanded: string[] = [], maxNodes = 2000): Diagram =>
  diagram(validate(trace), { collapse, expanded: new Set(expanded), maxNodes });
const titles = ({ nodes }: Diagram): string[] => nodes.map(({ title }) => title);

/** A tape on which op i reads the outputs of the ops that `inputs(i)` names. */
function tape(count: number, inputs: (i: number) => number[], more: (i: number) => Partial<Op> = () => ({})): Trace {
  const leaf = { id: 0, kind: 'leaf' as const, shape: [], dtype: 'float32', name: 'x' };
  const values = Array.from({ length: count }, (_, i) => ({ ...leaf, id: i + 1, kind: 'op' as const, name: `v${i}`, op: i }));
  const ops = values.map(({ id }, i) => ({
    id: i, name: 'tanh', node: null, inputs: inputs(i).map((op) => op + 1), outputs: [id], ...more(i),
  }));
  return { cell: { id: 'c', label: 'In [1]' }, values: [leaf, ...values], ops, version: 1 };
}

function expectForward({ nodes, links }: Diagram): void {
  const place = new Map(nodes.map(({ key }, i) => [key, i]));
  expect(place.size).toBe(nodes.length);
  for (const { from, to } of links) expect(place.get(from)!, `${from} → ${to}`).toBeLessThan(place.get(to)!);
}

describe('golden traces', () => {
  for (const { name, trace, pictures } of goldens)
    for (const { collapse, expanded, maxNodes, diagram: wanted } of pictures)
      test(`${name} is drawn as in Python (${collapse}, ${expanded.length} open)`, () => {
        const { nodes, ...rest } = draw(trace, collapse, expanded, maxNodes);
        expect({ nodes: nodes.map(({ span, ...node }) => node), ...rest }).toEqual(wanted);
      });
});

test('an op says its sign and its value, a leaf its name', () => {
  const { nodes } = draw(golden('dot'));
  expect(nodes.map(({ kind, title, lines }) => [kind, title, ...lines])).toEqual([
    ['leaf', 'x', '[1, 2]'],
    ['leaf', 'w', '[3, -1]'],
    ['op', '×', '[3, -2]'],
    ['op', 'sum', 'loss = 1'],
  ]);
});

test('an operand used twice has two links', () => {
  const { links } = draw(golden('fan_out'));
  const square = links.filter(({ to }) => to === 'o1');
  expect(square.map(({ from, order }) => [from, order])).toEqual([['o0', 0], ['o0', 1]]);
});

test('modules that repeat fold into one box and open in place', () => {
  const trace = golden('residual_mlp');
  const closed = draw(trace, 'module', ['/s0']);
  expect(titles(closed)).toContain('Block ×4');
  const block = closed.nodes.find(({ title }) => title === 'Block ×4')!;
  const open = draw(trace, 'module', ['/s0', block.key]);
  expect(titles(open).filter((title) => title.endsWith('· Block'))).toHaveLength(4);
  expect(titles(closed)).not.toContain('net.0.fc1.weight');
});

test('a stack of modules is folded from fewer nodes on than ops are that belong to none', () => {
  const closed = (count: number, modules: number) => {
    const scopes = Array.from({ length: modules }, (_, id) => ({ id, kind: 'module' as const, name: `layer${id}` }));
    const ops = (i: number) => (i < 10 * modules ? { scope: Math.floor(i / 10) } : {});
    const trace = { ...tape(count, (i) => [i - 1], ops), scopes };
    return draw(trace).nodes.filter(({ kind }) => kind === 'group').length;
  };
  expect([closed(70, 7), closed(55, 5), closed(70, 0)]).toEqual([7, 0, 0]);
});

test('steps of a loop fold into one box', () => {
  expect(titles(draw(golden('rnn'), 'module'))).toContain('step ×6');
});

test('lines that feed each other in turn are split, so that no circle arises', () => {
  const picture = draw(golden('interleaved'), 'line');
  expectForward(picture);
  expect(picture.nodes.filter(({ kind }) => kind === 'group').length).toBeGreaterThan(2);
});

test('no folding of a random tape makes a circle', () => {
  let seed = 1;
  const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 100; round++) {
    const spans = Array.from({ length: 60 }, () => ({ source: 0, line: 1 + random(5), column: 0, end_line: 1, end_column: 0 }));
    const trace = tape(60, (i) => [random(i + 1) - 1, random(i + 1) - 1], (i) => ({ span: spans[i]! }));
    trace.sources = [{ label: 'In [1]', code: 'a\nb\nc\nd\ne' }];
    const closed = draw(trace, 'line');
    expectForward(closed);
    expectForward(draw(trace, 'line', closed.nodes.filter((_, i) => i % 2).map(({ key }) => key)));
    expectForward(draw(trace, 'none', [], 20));
  }
});

test('a large trace folds into few boxes, and every range opens into few', () => {
  const trace = tape(10_000, (i) => [i - 1]);
  const keys = new Set<string>();
  for (let depth = 0; depth < 3; depth++) {
    const picture = draw(trace, 'auto', [...keys]);
    expect(picture.nodes.length).toBeLessThan(400);
    expect(picture.hidden).toBeGreaterThan(9_000);
    expectForward(picture);
    keys.add(picture.nodes.find(({ kind }) => kind === 'group')!.key);
  }
});

test('an op with more leaves than can be drawn draws the first of them', () => {
  const leaves = Array.from({ length: 50 }, (_, id) => ({ id, kind: 'leaf' as const, shape: [], dtype: 'float32' }));
  const out = { id: 50, kind: 'op' as const, shape: [], dtype: 'float32', op: 0 };
  const op = { id: 0, name: 'stack', node: null, inputs: leaves.map(({ id }) => id), outputs: [50] };
  const picture = draw({ cell: { id: 'c', label: 'c' }, values: [...leaves, out], ops: [op], version: 1 }, 'auto', [], 20);
  expect(picture.nodes).toHaveLength(21);
  expect(picture.links).toHaveLength(20);
  expect(picture.hidden).toBe(30);
});

test('a long name is cut, and control characters become spaces', () => {
  const trace = tape(1, () => [-1]);
  trace.values![1]!.name = `a\u0000\u0007b${'\u{1F600}'.repeat(5_000)}`;
  const [line] = draw(trace).nodes.find(({ kind }) => kind === 'op')!.lines;
  expect(line).toBe(`a b${'\u{1F600}'.repeat(22)}…`);
});

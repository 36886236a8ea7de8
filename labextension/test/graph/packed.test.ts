// A packed trace is read as the trace it was; what breaks its rules is refused, and is not unfolded.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { validate } from '../../src/graph/validate';
import { goldens } from './golden';

const FOLDER = join(import.meta.dirname, '../../../tests/golden/packed');

test.each(readdirSync(FOLDER))('%s is read as the trace that was packed', (name) => {
  const packed: unknown = JSON.parse(readFileSync(join(FOLDER, name), 'utf-8'));
  const { trace } = goldens.find((golden) => golden.name === name)!;
  expect(validate(packed)).toEqual(validate(trace));
});

test.each<[string, object]>([
  ['without its parts', {}],
  ['with a reference to nothing', { shapes: [], shared: [], trace: '#0' }],
  ['with a reference to itself', { shapes: [], shared: ['#0'], trace: '#0' }],
  ['with a shape that is not there', { shapes: [['version']], shared: [], trace: [7, 1] }],
  ['with other things for shapes', { shapes: 3, shared: null, trace: [] }],
])('a packed trace %s is refused', (_, parts) => {
  expect(() => validate({ version: 'packed-1', ...parts })).toThrow('not a trace of version');
});

test('entries that double one another are refused', () => {
  const doubling = Array.from({ length: 60 }, (_, i) => [-1, `#${i}`, `#${i}`, `#${i}`]);
  const trace = [0, 1, '#60'];
  const bomb = { version: 'packed-1', shapes: [['version', 'values']], shared: [[-1, 1], ...doubling], trace };
  expect(() => validate(bomb)).toThrow('larger than what can be shown');
});

// A node finds its line and a line its nodes, by cell and by what the line said when it ran.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LINE_EVENT, SPAN_EVENT, lineOf, mountLinked, sourceOf, type Line } from '../../src/hosts/link';

const trace = {
  version: 1,
  cell: { id: 'b', label: 'In [2]' },
  sources: [
    { label: 'In [1]', code: 'def f(x):\n  return x * x', cell: 'a' },
    { label: 'In [2]', code: 'y = f(x)\ny.backward()', cell: 'b' },
    { label: 'model.py', code: 'y = f(x)' },
  ],
};

let host: HTMLElement;
beforeEach(() => document.body.append((host = document.createElement('div'))));
afterEach(() => host.remove());

test('a span becomes a line with its cell and text', () => {
  const line = lineOf(trace, { source: 0, line: 2, endLine: 2 });
  expect(line).toEqual({ cell: 'a', line: 2, endLine: 2, text: '  return x * x' });
});

test('a span that points nowhere is no line', () => {
  expect(lineOf(trace, { source: 9, line: 1, endLine: 1 })).toBeNull();
  expect(lineOf(trace, { source: 0, line: 9, endLine: 9 })).toBeNull();
  expect(lineOf('no trace', { source: 0, line: 1, endLine: 1 })).toBeNull();
});

test('a line belongs to the source of its own cell', () => {
  const line: Line = { cell: 'b', line: 1, endLine: 1, text: 'y = f(x)' };
  expect(sourceOf(trace, line)).toBe(1);
  expect(sourceOf(trace, { ...line, cell: 'a' })).toBe(-1);
});

test('a line that was edited since it ran belongs to no source', () => {
  expect(sourceOf(trace, { cell: 'b', line: 1, endLine: 1, text: 'y = g(x)' })).toBe(-1);
});

test('a view hears of lines while it lives, and says that nothing is lit when it goes', () => {
  const told: unknown[] = [];
  document.addEventListener(SPAN_EVENT, event => told.push((event as CustomEvent).detail));
  const view = mountLinked(host, trace, {});
  host.dispatchEvent(new CustomEvent(LINE_EVENT, { detail: null }));

  view.dispose();

  expect(told.at(-1)).toBeNull();
  expect(host.children).toHaveLength(0);
});

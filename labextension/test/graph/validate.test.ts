// A trace may come from anybody: what is no trace is refused with a word, and nothing from it is ever run.

import { expect, test } from 'vitest';
import { validate } from '../../src/graph/validate';
import { product } from './traces';

type Json = Record<string, unknown>;
const good = () => structuredClone(product().trace) as unknown as Json;
const spoilt = (spoil: (trace: never) => void) => {
  const trace = good();
  spoil(trace as never);
  return trace;
};

test('a trace is read with its defaults filled in', () => {
  const tape = validate({ version: 1, cell: { id: 'a', label: 'In [1]' } });
  expect(tape).toMatchObject({ values: [], ops: [], passes: [], findings: [], engine: 'nbautograd', cell: { run: 1 } });
});

test('an op that came without texts has none', () => {
  expect(validate(good()).ops[0]).toMatchObject({ code: '', rules: [] });
});

test('fields that the schema does not know are dropped', () => {
  expect(validate({ ...good(), onload: 'alert(1)', __proto__: { evil: 1 } })).not.toHaveProperty('onload');
});

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['text', '<img src=x onerror=alert(1)>'],
  ['a list', []],
  ['another version', { version: 2 }],
  ['a cell that is a number', { version: 1, cell: 5 }],
  ['a list that is an object', spoilt((t: Json) => (t['values'] = { length: 1e9 }))],
  ['an id that is no position', spoilt((t: { values: { id: number }[] }) => (t.values[0]!.id = 7))],
  ['an input that does not exist', spoilt((t: { ops: { inputs: number[] }[] }) => (t.ops[0]!.inputs[0] = 99))],
  ['a negative input', spoilt((t: { ops: { inputs: number[] }[] }) => (t.ops[0]!.inputs[0] = -1))],
  ['a circle', spoilt((t: { ops: { inputs: number[] }[] }) => (t.ops[0]!.inputs[0] = 3))],
  ['a scope inside itself', { ...good(), scopes: [{ id: 0, kind: 'module', name: 'a', parent: 0 }] }],
  ['a shape below zero', spoilt((t: { values: { shape: number[] }[] }) => (t.values[0]!.shape = [-1]))],
  ['a bare NaN', spoilt((t: { values: { data: { data: number[] } }[] }) => (t.values[0]!.data.data = [NaN]))],
  ['an unknown event', spoilt((t: { passes: { events: unknown[] }[] }) => t.passes[0]!.events.push({ kind: 'boom' }))],
  ['an event of nothing', spoilt((t: { passes: { events: unknown[] }[] }) => t.passes[0]!.events.push(null))],
  ['a flow along no input', spoilt((t: { passes: { events: { input?: number }[] }[] }) => (t.passes[0]!.events[1]!.input = 9))],
  ['texts that are no list', spoilt((t: { ops: { rules: unknown }[] }) => (t.ops[0]!.rules = 'g'))],
  ['a text that is a number', spoilt((t: { ops: { code: unknown }[] }) => (t.ops[0]!.code = 7))],
  ['a pass before any op', spoilt((t: { passes: { ops_before: number }[] }) => (t.passes[0]!.ops_before = -1))],
  ['a span in no source', spoilt((t: { ops: { span: { source: number } }[] }) => (t.ops[0]!.span.source = 3))],
  ['a finding about no value', { ...good(), findings: [{ code: 'A', severity: 'note', title: '', message: '', hint: '', mute: '', values: [99] }] }],
  ['a giant list', spoilt((t: Json) => (t['values'] = new Array(50_000_000)))],
  ['a giant text', spoilt((t: { cell: { label: string } }) => (t.cell.label = 'a'.repeat(20_000_000)))],
])('%s is refused', (_, trace) => {
  expect(() => validate(trace)).toThrow(/not a trace|is not|larger than/);
});

test('deep nesting is refused or passed over, never followed', () => {
  let deep: unknown = [];
  for (let i = 0; i < 200_000; i++) deep = [deep];
  expect(() => validate({ ...good(), values: deep })).toThrow(/an object/);
  expect(validate({ ...good(), unknown: deep })).toBeDefined();
});

test('an object that contains itself is refused', () => {
  const trace = good();
  trace['self'] = { trace };
  expect(() => validate(trace)).toThrow('larger than');
});

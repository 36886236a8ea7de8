// Numbers, derivative rules and sentences as people read them.

import { expect, test } from 'vitest';
import { brief, nested, number, shape } from '../../src/graph/format';
import { label, look } from '../../src/graph/colour';
import { about, overview, sentence } from '../../src/graph/say';
import { readable } from '../../src/graph/tex';
import { Timeline } from '../../src/graph/timeline';
import { validate } from '../../src/graph/validate';
import { fanOut, product, summary, type Tape } from './traces';

function story(tape: Tape): string[] {
  const trace = validate(tape.trace);
  const timeline = new Timeline(trace);
  return timeline.steps.map((_, i) => sentence(trace, timeline, i + 1));
}

test.each([
  [1, '1'],
  [0.1 + 0.2, '0.3'],
  [-0, '0'],
  [1234.56, '1235'],
  [1e-9, '1e-9'],
  [2.5e7, '2.5e7'],
  [-1 / 3, '-0.3333'],
  ['nan', 'nan'],
  ['-inf', '-inf'],
  [true, 'true'],
] as const)('%s is written %s', (value, text) => {
  expect(number(value)).toBe(text);
});

test('shapes are written as in Python', () => {
  expect([shape([]), shape([3]), shape([4, 8])]).toEqual(['scalar', '(3,)', '(4, 8)']);
});

test('a small tensor is written whole, a large one by its shape', () => {
  expect(brief(summary([1, 2, 3, 4], [2, 2]))).toBe('[[1, 2], [3, 4]]');
  expect(brief(summary(Array(40).fill(1.5), [5, 8]))).toBe('(5, 8)');
  expect(brief(undefined)).toBe('None');
  expect(nested([], [0])).toBe('[]');
});

test.each([
  ['W^\\top', 'Wᵀ'],
  ['\\frac{1}{x}', '1/x'],
  ['-\\frac{a}{b^2}', '-a/b²'],
  ['1 - \\tanh(x)^2', '1 - tanh(x)²'],
  ['g \\odot \\mathbf{1}', 'g ⊙ 1'],
  ['\\frac{1}{2\\sqrt{x}}', '1/(2√x)'],
  ['x_{ij}', 'xᵢⱼ'],
  ['e^{x+y}', 'eˣ⁺ʸ'],
  ['\\text{max}(0, x)', 'max(0, x)'],
  ['\\unknown{x}', 'unknown x'],
  ['}}}{{{', ''],
])('the rule %s reads %s', (tex, text) => {
  expect(readable(tex)).toBe(text);
});

test('deeply nested TeX does not overflow', () => {
  expect(readable('{'.repeat(50_000))).toBe('');
  expect(readable('\\sqrt'.repeat(5_000)).length).toBeLessThan(3_000);
});

test('each step is a sentence with line, op and numbers', () => {
  expect(story(product())).toEqual([
    'Step 1 of 6: backward starts at loss, whose gradient with respect to itself is 1.',
    'Step 2 of 6: at line 3, sum passes [1, 1] to x * w, upstream 1 times local 1. sum lets go of what it had saved.',
    'Step 3 of 6: at line 3, mul passes [3, -1] to x, upstream [1, 1] times local [3, -1].',
    'Step 4 of 6: at line 3, mul passes [1, 2] to w, upstream [1, 1] times local [1, 2]. mul lets go of what it had saved.',
    'Step 5 of 6: x keeps it: x.grad is [3, -1].',
    'Step 6 of 6: w keeps it: w.grad is [1, 2]. The backward pass is complete.',
  ]);
});

test('a sum at a fan-out is said with its numbers', () => {
  expect(story(fanOut()).find((text) => text.includes('2 of 3'))).toContain(
    '-0.4621 + 0.3932 = -0.06889, contribution 2 of 3.',
  );
});

test('a .grad left over from an earlier run is said with where it came from', () => {
  expect(story(product(2))[4]).toContain(
    'x.grad already held a gradient from In [3], run 1, line 4, so it adds up: [3, -1] + [3, -1] = [6, -2].',
  );
});

test('the header counts the passes that ran, also those that were not kept', () => {
  const trace = validate({ ...product().trace, folds: [{ what: 'passes', count: 6_800, why: '' }] });
  expect(about(trace)).toContain('6,801 backward passes');
});

test('the overview names the root', () => {
  const trace = validate(product().trace);
  expect(overview(trace, new Timeline(trace))).toBe(
    '1 backward pass from loss, 6 steps. Press play to watch the gradient flow.',
  );
});

test('a line that ran often is named once in the overview, as its last result is', () => {
  const { trace: once } = product();
  const [pass] = once.passes;
  const last = once.values[pass!.roots[0]!]!;
  const earlier = { ...last, id: once.values.length, op: once.ops.length };
  delete earlier.name;
  const trace = validate({
    ...once,
    values: [...once.values, earlier],
    ops: [...once.ops, { ...once.ops[last.op!]!, id: once.ops.length, outputs: [earlier.id] }],
    passes: [{ ...pass!, roots: [earlier.id] }, { ...pass!, id: 1 }],
  });
  expect(overview(trace, new Timeline(trace))).toContain('2 backward passes from loss, 12 steps.');
});

test('a rule in words is no factor', () => {
  const { trace: once } = product();
  const ops = once.ops.map((op) => ({ ...op, local: op.local?.map(() => '\\text{where it was largest}') }));
  const passes = once.passes.map((pass) => ({
    ...pass,
    events: pass.events?.map((event) => (event.kind === 'flow' ? { ...event, local: undefined } : event)),
  }));
  const trace = validate(JSON.parse(JSON.stringify({ ...once, ops, passes })));
  expect(sentence(trace, new Timeline(trace), 2)).toContain(', upstream (where it was largest).');
});

test('what is odd about a gradient is marked in its text, not by colour alone', () => {
  const scale = { scalar: 1, tensor: 1 };
  expect(label(summary([0]), 9)).toBe('○ 0');
  expect(label(summary([NaN]), 9)).toBe('⚠ nan');
  expect(label(summary([1, Infinity]), 20)).toBe('▲ inf in [1, inf]');
  expect(label(undefined, 9)).toBe('None');
  expect([0, NaN, Infinity].map((x) => look(summary([x]), scale).odd)).toEqual(['zero', 'nan', 'inf']);
});

test('scalars are coloured by sign, tensors by size', () => {
  const scale = { scalar: 4, tensor: 100 };
  expect(look(summary([-4]), scale)).toEqual({ hue: 'minus', strength: 1 });
  expect(look(summary([1]), scale)).toEqual({ hue: 'plus', strength: 0.5 });
  expect(look(summary([1, 1]), scale)).toEqual({ hue: 'size', strength: 0.5 });
});

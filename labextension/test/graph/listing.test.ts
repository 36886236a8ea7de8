// The listing says what its twin in Python says, line by line, for every golden trace.

import { expect, test } from 'vitest';
import { listing } from '../../src/graph/listing';
import { Timeline } from '../../src/graph/timeline';
import { validate } from '../../src/graph/validate';
import { goldens } from './golden';
import { fanOut } from './traces';

test.each(goldens)('the listing of $name is that of Python', ({ trace, listing: golden }) => {
  const lines = listing(validate(trace));
  expect(lines.map(({ text, op, step }) => [text, op ?? null, step ?? null])).toEqual(golden);
});

test.each(goldens)('the listing of $name has one line for every step of the player', ({ trace }) => {
  const tape = validate(trace);
  const steps = listing(tape).flatMap(({ step }) => step ?? []);
  expect(steps).toEqual(new Timeline(tape).steps.map((_, i) => i + 1));
});

test('a trace that came without texts tells calls', () => {
  const texts = listing(validate(fanOut().trace)).map(({ text }) => text);
  expect(texts).toContain('v2 = mul(a, b)');
  expect(texts).toContain('d_a += MulBackward0(d_v2)[0]');
});

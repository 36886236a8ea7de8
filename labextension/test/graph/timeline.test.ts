// The timeline: what is known at step k depends on k alone, and follows the events in their order.

import { expect, test } from 'vitest';
import { brief } from '../../src/graph/format';
import { Timeline } from '../../src/graph/timeline';
import { validate } from '../../src/graph/validate';
import { fanOut, product, type Tape } from './traces';

const timelineOf = (tape: Tape) => new Timeline(validate(tape.trace));
const statesAt = (timeline: Timeline, values: number, k: number) =>
  Array.from({ length: values }, (_, id) => ({ ...timeline.at(id, k), freed: timeline.isFreed(id, k) }));

test('freeing is no step of its own', () => {
  const timeline = timelineOf(product());
  expect(timeline.steps.map(({ event }) => event?.kind)).toEqual([
    'seed',
    'flow',
    'flow',
    'flow',
    'accumulate',
    'accumulate',
  ]);
  expect(timeline.steps.map(({ freed }) => freed)).toEqual([[], [1], [], [0], [], []]);
});

test('the state at a step does not depend on the way to it', () => {
  const forward = timelineOf(fanOut());
  const backward = timelineOf(fanOut());
  const moments = Array.from({ length: forward.length + 1 }, (_, k) => k);
  const seen = moments.map((k) => statesAt(forward, 6, k));
  for (const k of moments.toReversed()) expect(statesAt(backward, 6, k)).toEqual(seen[k]);
});

test('a value waits, receives and is done', () => {
  const timeline = timelineOf(product());
  const product_ = 2;
  expect([0, 1, 2, 3, 4].map((k) => timeline.at(product_, k).status)).toEqual([
    'pending',
    'pending',
    'received',
    'received',
    'done',
  ]);
  expect(timeline.at(3, 1).status).toBe('seeded');
});

test('at the end every leaf holds what the trace says', () => {
  const tape = fanOut();
  const timeline = timelineOf(tape);
  for (const value of tape.trace.values.filter(({ kind }) => kind === 'leaf'))
    expect(timeline.at(value.id, timeline.length).grad).toMatchObject({ data: value.grad!.data });
});

test('contributions of a fan-out arrive one by one', () => {
  const timeline = timelineOf(fanOut());
  const arrivals = Array.from({ length: timeline.length + 1 }, (_, k) => timeline.at(0, k).arrival);
  expect([...new Set(arrivals)]).toEqual([0, 1, 2, 3]);
  expect(timeline.at(0, arrivals.indexOf(2)).arrivals).toBe(3);
});

test('a .grad from an earlier backward is there before the first step', () => {
  const timeline = timelineOf(product(2));
  expect(brief(timeline.at(0, 0).grad)).toBe('[3, -1]');
  expect(timeline.at(0, 0).leftover).toHaveLength(1);
  expect(brief(timeline.at(0, timeline.length).grad)).toBe('[6, -2]');
});

test('a second pass starts over with the gradients but not with .grad', () => {
  const tape = product();
  tape.backward(3);
  const timeline = timelineOf(tape);
  expect(timeline.starts.map(({ at }) => at)).toEqual([0, 6]);
  expect(timeline.at(2, 6).gradient).toBeDefined();
  expect(timeline.at(2, 7).gradient).toBeUndefined();
  expect(brief(timeline.at(0, 7).grad)).toBe('[3, -1]');
  expect(timeline.flow(0, 0, 6)).toBeDefined();
  expect(timeline.flow(0, 0, 7)).toBeUndefined();
});

test('a pass that broke off has a last step that says so', () => {
  const tape = product();
  tape.trace.passes[0]!.error = 'RuntimeError: no';
  tape.trace.passes[0]!.events = tape.trace.passes[0]!.events!.slice(0, 2);
  expect(timelineOf(tape).steps.at(-1)?.event).toBeUndefined();
});

test('an untouched value is idle', () => {
  const tape = product();
  const id = tape.leaf('unused', [1]);
  expect(timelineOf(tape).at(id, 3).status).toBe('idle');
});

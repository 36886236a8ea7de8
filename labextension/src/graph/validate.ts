// Reads an untrusted trace: copies the fields that the schema knows, fills in defaults, and refuses everything else.

import { unpack } from './packed';
import type * as schema from './schema';
import { SCHEMA_VERSION } from './schema';

type Read<T> = (input: unknown, where: string) => T;

/** How many fields and list elements, and how many characters, a trace may have: a little more than one that is whole. */
const MAX_ITEMS = 450_000;
const MAX_CHARACTERS = 4_000_000;
const MAX_WORDS = 200;

export class Refusal extends Error {}

/** Counts before anything is read, so that what is giant, or contains itself, is refused quickly. */
function weigh(input: unknown): void {
  let [items, characters] = [0, 0];
  const open: unknown[] = [[input]];
  for (let next = open.pop(); next; next = open.pop()) {
    const inner: unknown[] = Array.isArray(next) ? next : Object.values(next);
    items += inner.length;
    // Before the loop: a list may be long and hold nothing.
    if (items > MAX_ITEMS) throw new Refusal('it is larger than what can be shown');
    for (const item of inner) {
      if (typeof item === 'string') characters += item.length;
      else if (typeof item === 'object' && item !== null) open.push(item);
    }
    if (characters > MAX_CHARACTERS) throw new Refusal('it is larger than what can be shown');
  }
}

function refuse(where: string, expected: string): never {
  throw new Refusal(`${where} is not ${expected}`);
}

const text: Read<string> = (input, where) => (typeof input === 'string' ? input : refuse(where, 'text'));

const bool: Read<boolean> = (input, where) => (typeof input === 'boolean' ? input : refuse(where, 'true or false'));

const int: Read<number> = (input, where) =>
  Number.isSafeInteger(input) ? (input as number) : refuse(where, 'a whole number');

const natural: Read<number> = (input, where) => (int(input, where) >= 0 ? (input as number) : refuse(where, 'from 0'));

/** As Python writes a complex number; the codec has the same pattern. */
const COMPLEX = /^[-+.0-9einfa]{1,48}j$/;

const num: Read<schema.Num> = (input, where) => {
  if (typeof input === 'boolean' || (typeof input === 'number' && Number.isFinite(input))) return input;
  if (input === 'nan' || input === 'inf' || input === '-inf') return input;
  return typeof input === 'string' && COMPLEX.test(input) ? (input as `${string}j`) : refuse(where, 'a number');
};

function choice<const T extends string>(...options: T[]): Read<T> {
  return (input, where) => (options.includes(input as T) ? (input as T) : refuse(where, options.join(' or ')));
}

function list<T>(item: Read<T>): Read<T[]> {
  return (input, where) => {
    if (input === undefined || input === null) return [];
    if (!Array.isArray(input)) refuse(where, 'a list');
    const out: T[] = [];
    for (const each of input as unknown[]) out.push(item(each, where));
    return out;
  };
}

function optional<T>(read: Read<T>): Read<T | undefined>;
function optional<T>(read: Read<T>, fallback: T): Read<T>;
function optional<T>(read: Read<T>, fallback?: T): Read<T | undefined> {
  return (input, where) => (input === undefined || input === null ? fallback : read(input, where));
}

const words: Read<Record<string, string>> = (input, where) => {
  if (input === undefined || input === null) return {};
  if (typeof input !== 'object' || Array.isArray(input)) refuse(where, 'an object');
  const entries = Object.entries(input);
  if (entries.length > MAX_WORDS) refuse(where, `at most ${MAX_WORDS} words`);
  return Object.fromEntries(entries.map(([key, value]) => [text(key, where), text(value, where)]));
};

/** An object of the schema's type `T`. The compiler sees to it that no field is forgotten or of another type. */
function object<T>() {
  return <F extends { [K in keyof Required<T>]: Read<T[K]> }>(name: string, fields: F) => {
    const readers = Object.entries(fields).map(([key, read]) => [key, read as Read<unknown>, `${name}.${key}`] as const);
    return (input: unknown, where: string): { [K in keyof F]: ReturnType<F[K]> } => {
      if (typeof input !== 'object' || input === null || Array.isArray(input)) refuse(where, `an object (${name})`);
      const out: Record<string, unknown> = {};
      for (const [key, read, at] of readers) out[key] = read((input as Record<string, unknown>)[key], at);
      return out as { [K in keyof F]: ReturnType<F[K]> };
    };
  };
}

const summary = object<schema.Summary>()('summary', {
  shape: list(natural), dtype: text, device: optional(text, 'cpu'), data: optional(list(num)), min: optional(num),
  max: optional(num), mean: optional(num), std: optional(num), norm: optional(num), zeros: optional(int, 0),
  nans: optional(int, 0), infs: optional(int, 0), histogram: optional(list(natural)), sampled: optional(bool, false),
});

const source = object<schema.Source>()('source', { label: text, code: text, cell: optional(text) });

const span = object<schema.Span>()('span', {
  source: int, line: natural, column: natural, end_line: natural, end_column: natural, function: optional(text),
});

const cell = object<schema.Cell>()('cell', {
  id: text, label: text, run: optional(int, 1), execution_count: optional(int),
});

const scope = object<schema.Scope>()('scope', {
  id: int, kind: choice('module', 'step'), name: text, parent: optional(int), type: optional(text),
  index: optional(int), span: optional(span),
});

const value = object<schema.Value>()('value', {
  id: int, kind: choice('leaf', 'constant', 'op'), shape: list(natural), dtype: text, device: optional(text, 'cpu'),
  requires_grad: optional(bool, false), name: optional(text), op: optional(int), output: optional(int, 0),
  data: optional(summary), grad: optional(summary), base: optional(int),
});

const op = object<Loose<schema.Op, 'node' | 'local' | 'rules'>>()('op', {
  id: int, name: text, node: optional(text), inputs: list(int), outputs: list(int), params: words,
  span: optional(span), scope: optional(int), saved: list(text), local: list(optional(text)),
  in_place: optional(bool, false), origin: optional(text), code: optional(text, ''), rules: list(optional(text)),
});

const contribution = object<schema.Contribution>()('contribution', {
  cell: text, label: text, run: int, gradient: summary, line: optional(int), pass_id: optional(int),
  consumed: optional(int, 0), step: optional(int), passes: optional(int, 1),
});

const events = {
  seed: object<schema.Seed>()('seed', { kind: choice('seed'), value: int, gradient: summary }),
  flow: object<schema.Flow>()('flow', {
    kind: choice('flow'), op: int, input: int, target: int, upstream: summary, contribution: summary, after: summary,
    before: optional(summary), local: optional(summary), reduced: optional(text), arrival: optional(int, 1),
    arrivals: optional(int, 1),
  }),
  accumulate: object<schema.Accumulate>()('accumulate', {
    kind: choice('accumulate'), value: int, contribution: summary, after: summary, before: optional(summary),
    earlier: list(contribution),
  }),
  free: object<schema.Free>()('free', { kind: choice('free'), ops: list(int) }),
};

const kinds = choice('seed', 'flow', 'accumulate', 'free');
const event: Read<ReturnType<(typeof events)[keyof typeof events]>> = (input, where) =>
  events[kinds((input as { kind?: unknown } | null)?.kind, `${where}: an event's kind`)](input, where);

const pass = object<schema.Pass>()('pass', {
  id: int, kind: choice('backward', 'grad'), roots: list(int), events: list(event), span: optional(span),
  create_graph: optional(bool, false), retain_graph: optional(bool, false), error: optional(text),
  ops_before: optional(natural),
});

const trace = object<Loose<schema.Trace, 'ops' | 'ledgers'>>()('trace', {
  cell, sources: list(source), values: list(value), ops: list(op), scopes: list(scope), passes: list(pass),
  ledgers: list(
    object<Loose<schema.Ledger, 'total'>>()('ledger', {
      value: int, name: text, total: optional(summary), contributions: list(contribution),
      cleared: optional(bool, false), consumed: optional(bool, false),
    }),
  ),
  updates: list(
    object<schema.Update>()('update', {
      value: int, name: text, by: text, contributions: list(contribution), cleared: optional(span),
      span: optional(span), step: optional(int), code: list(text),
    }),
  ),
  findings: list(
    object<schema.Finding>()('finding', {
      code: text, severity: choice('error', 'warning', 'note'), title: text, message: text, hint: text, mute: text,
      span: optional(span), values: list(int), ops: list(int),
    }),
  ),
  folds: list(object<schema.Fold>()('fold', { what: text, count: int, why: text })),
  steps: list(
    object<schema.StepFigures>()('step', {
      index: int, ops: optional(int, 0), events: optional(int, 0), loss: optional(num), grad_norm: optional(num),
      kept: optional(bool, false),
    }),
  ),
  op_count: optional(int, 0), error: optional(text), grad_accum: optional(int), engine: optional(text, 'nbautograd'),
  version: int,
});

/** `T` with any type in the fields `K`. */
type Loose<T, K extends keyof T> = Omit<T, K> & { [P in K]?: unknown };

/** A trace that has been read: every list is there, every reference points to something. */
export type Tape = ReturnType<typeof trace>;
export type Op = Tape['ops'][number];
export type Value = Tape['values'][number];
export type Pass = Tape['passes'][number];
export type Event = Pass['events'][number];
export type Seed = Extract<Event, { kind: 'seed' }>;
export type Flow = Extract<Event, { kind: 'flow' }>;
export type Accumulate = Extract<Event, { kind: 'accumulate' }>;
export type Finding = Tape['findings'][number];
export type { Contribution, Num, Span, Summary } from './schema';

/** The trace in `input`. Throws a `Refusal` that says what is wrong with it. */
export function validate(input: unknown): Tape {
  weigh(input);
  const plain = unpack(input);
  const version = typeof plain === 'object' && plain !== null ? (plain as { version?: unknown }).version : undefined;
  if (version !== SCHEMA_VERSION) throw new Refusal(`this is not a trace of version ${SCHEMA_VERSION}`);
  weigh(plain);
  const tape = trace(plain, 'trace');
  checkPositions(tape);
  checkGraph(tape);
  checkEvents(tape);
  checkSpans(tape);
  return tape;
}

function within(id: number | undefined, items: unknown[], where: string): void {
  if (id !== undefined && !(id >= 0 && id < items.length)) refuse(`${where} ${id}`, `one of ${items.length}`);
}

function checkPositions(tape: Tape): void {
  for (const items of [tape.values, tape.ops, tape.scopes, tape.passes])
    items.forEach((item, at) => item.id === at || refuse(`id ${item.id}`, `its position ${at}`));
}

/** No op reads what a later op puts out, no scope lies in a later one: the graph has no circle. */
function checkGraph({ ops, values, scopes }: Tape): void {
  for (const { op, base } of values) {
    within(op, ops, 'op');
    within(base, values, 'value');
  }
  for (const scope of scopes)
    if (scope.parent !== undefined && !(scope.parent >= 0 && scope.parent < scope.id))
      refuse(`scope ${scope.id}'s parent`, 'an earlier scope');
  for (const op of ops) {
    within(op.scope, scopes, 'scope');
    for (const id of [...op.inputs, ...op.outputs]) within(id, values, 'value');
    for (const id of op.inputs)
      if ((values[id]!.op ?? -1) >= op.id) refuse(`input ${id} of op ${op.id}`, 'from an earlier op');
  }
}

function checkEvents({ passes, ops, values, ledgers, updates, findings }: Tape): void {
  for (const pass of passes) {
    for (const id of pass.roots) within(id, values, 'value');
    for (const event of pass.events) {
      if (event.kind === 'free') for (const id of event.ops) within(id, ops, 'op');
      else within(event.kind === 'flow' ? event.target : event.value, values, 'value');
      if (event.kind !== 'flow') continue;
      within(event.op, ops, 'op');
      within(event.input, ops[event.op]!.inputs, 'input');
    }
  }
  for (const { value } of [...ledgers, ...updates]) within(value, values, 'value');
  for (const finding of findings) {
    for (const id of finding.values) within(id, values, 'value');
    for (const id of finding.ops) within(id, ops, 'op');
  }
}

function checkSpans(tape: Tape): void {
  for (const { span } of [...tape.ops, ...tape.scopes, ...tape.passes, ...tape.updates, ...tape.findings])
    within(span?.source, tape.sources, 'source');
}

// The story in sentences: what a value is called, and what happens at each step of the backward pass.

import { brief, clip, isSmall, plural, shape } from './format';
import { readable } from './tex';
import type { Step, Timeline } from './timeline';
import type { Accumulate, Contribution, Flow, Op, Pass, Seed, Span, Tape } from './validate';

const SNIPPET = 28;
/** Of an op, when backward has come through. */
export const FREED = 'its saved values were freed by backward';

/** The code of a span where it lies on one line. */
function codeOf(tape: Tape, span: Span | undefined): string | undefined {
  if (!span || span.line !== span.end_line) return undefined;
  return lineOf(tape, span)?.slice(span.column, span.end_column).trim() || undefined;
}

/** The whole line that a span begins on. */
export function lineOf(tape: Tape, span: Span): string | undefined {
  return tape.sources[span.source]?.code.split('\n')[span.line - 1];
}

/** What a person calls a value: its name, else the code that computed it, else its op. */
export function nameOf(tape: Tape, id: number): string {
  const value = tape.values[id]!;
  if (value.name) return clip(value.name, 60);
  if (value.op === undefined) {
    if (value.kind === 'constant') return `the constant ${brief(value.data)}`;
    return value.kind === 'leaf' ? 'an unnamed leaf' : 'an unnamed value';
  }
  const op = tape.ops[value.op]!;
  const code = codeOf(tape, op.span);
  return code && code.length <= SNIPPET ? code : `the output of ${op.name}`;
}

/** Where a span is: `line 4`, with the file or cell where there are several. */
export function place(tape: Tape, span: Span | undefined): string | undefined {
  if (!span) return undefined;
  const label = tape.sources.length > 1 ? ` of ${tape.sources[span.source]!.label}` : '';
  return `line ${span.line}${label}`;
}

/** The place in the code that a step belongs to. */
export function spanOf(tape: Tape, { event, pass }: Step): Span | undefined {
  return (event?.kind === 'flow' && tape.ops[event.op]!.span) || pass.span;
}

/** Where an earlier contribution to `.grad` came from. */
export function origin({ label, run, line, step }: Contribution): string {
  const loop = step === undefined ? '' : `, step ${step} of the loop`;
  return `${label}${run ? `, run ${run}` : ''}${line === undefined ? '' : `, line ${line}`}${loop}`;
}

/** The rule of one input as text, for want of its numbers. */
export function rule(op: Op, input: number): string | undefined {
  const tex = op.local[input];
  return tex ? readable(tex) : undefined;
}

/** The cell, and how much happened in it. */
export function about(tape: Tape): string {
  const { cell, ops, op_count } = tape;
  const run = cell.run > 1 ? `, run ${cell.run}` : '';
  const ran = passesRun(tape);
  const backward = ran ? ` · ${plural(ran, 'backward pass', 'backward passes')}` : '';
  return `${cell.label}${run} · ${plural(Math.max(op_count, ops.length), 'op')}${backward}`;
}

function passesRun({ passes, folds }: Tape): number {
  return folds.filter(({ what }) => what === 'passes').reduce((sum, { count }) => sum + count, passes.length);
}

/** How much of what ran was kept. */
export function kept(tape: Tape): string {
  const { ops, op_count, passes } = tape;
  const ran = passesRun(tape);
  const count = (some: number, all: number, what: string) =>
    some < all ? [`${some.toLocaleString('en')} of ${all.toLocaleString('en')} ${what}`] : [];
  const parts = [...count(ops.length, op_count, 'ops'), ...count(passes.length, ran, 'backward passes')];
  return parts.length ? `${parts.join(' and ')} kept` : 'some details were not kept';
}

/** One sentence for the whole, before anything is played. */
export function overview(tape: Tape, timeline: Timeline): string {
  if (timeline.length === 0) return nothingToPlay(tape);
  const roots = [...rootNames(tape, timeline)].slice(0, 3);
  const passes = plural(timeline.starts.length, 'backward pass', 'backward passes');
  return `${passes} from ${roots.join(', ')}, ${plural(timeline.length, 'step')}. Press play to watch the gradient flow.`;
}

/** What the passes start from: of a line that ran often the last result alone, for only that has a name still. */
function rootNames(tape: Tape, timeline: Timeline): Set<string> {
  const byPlace = new Map<string, string>();
  for (const { pass } of timeline.starts)
    for (const id of pass.roots) {
      const span = tape.ops[tape.values[id]!.op ?? -1]?.span;
      byPlace.set(span ? `${span.source}:${span.line}:${span.column}` : `value ${id}`, nameOf(tape, id));
    }
  return new Set(byPlace.values());
}

/** One sentence for what has happened at moment k, for eyes and ears alike. */
export function sentence(tape: Tape, timeline: Timeline, k: number): string {
  if (timeline.length === 0) return nothingToPlay(tape);
  const step = timeline.steps[k - 1];
  if (!step) return 'Before the backward pass: no gradient has flowed yet. Press play.';
  const end = k === timeline.length ? ending(step.pass) : '';
  return `Step ${k} of ${timeline.length}: ${happening(tape, step)}${freeing(tape, step.freed)}${end}`;
}

function nothingToPlay(tape: Tape): string {
  if (tape.ops.length === 0) return 'No tensor operation ran here.';
  return `${plural(tape.ops.length, 'op')} ran forward; no backward pass ran here.`;
}

function happening(tape: Tape, { event, pass }: Step): string {
  if (!event) return `the pass stops with ${pass.error}.`;
  if (event.kind === 'seed') return seeding(tape, event);
  return event.kind === 'flow' ? flowing(tape, event) : storing(tape, event);
}

function seeding(tape: Tape, { value, gradient }: Seed): string {
  const name = nameOf(tape, value);
  if (gradient.shape.length === 0 && gradient.data?.[0] === 1)
    return `backward starts at ${name}, whose gradient with respect to itself is 1.`;
  return `backward starts at ${name} with the gradient ${brief(gradient)}.`;
}

function flowing(tape: Tape, flow: Flow): string {
  const op = tape.ops[flow.op]!;
  const where = op.span ? `at ${place(tape, op.span)}, ` : '';
  const passed = isSmall(flow.contribution)
    ? brief(flow.contribution)
    : `a gradient of shape ${shape(flow.contribution.shape)}`;
  return `${where}${op.name} passes ${passed} to ${nameOf(tape, flow.target)}${reason(op, flow)}.${gathering(flow)}`;
}

/** A rule that is no factor but says where the gradient goes: `, where it was largest`. */
function inWords(op: Op, input: number): string | undefined {
  const words = /^\\text\{([^{}]*)\}$/.exec(op.local[input] ?? '')?.[1];
  return words && `(${clip(words, 60)})`;
}

function reason(op: Op, flow: Flow): string {
  const told = inWords(op, flow.input);
  const local = flow.local && isSmall(flow.local) ? brief(flow.local) : (told ?? rule(op, flow.input));
  if (!local) return '';
  if (local === told) return `, upstream ${told}`;
  const product = isSmall(flow.upstream)
    ? `, upstream ${brief(flow.upstream)} times local ${local}`
    : `, upstream times ${local}`;
  return product + (flow.reduced ? `, then ${flow.reduced}` : '');
}

function gathering({ before, contribution, after, arrival, arrivals }: Flow): string {
  if (arrivals <= 1) return '';
  if (!before) return ` It is the first of ${arrivals} contributions.`;
  const sum = [before, contribution, after].every((t) => isSmall(t))
    ? `: ${brief(before)} + ${brief(contribution)} = ${brief(after)}`
    : '';
  return ` That adds up${sum}, contribution ${arrival} of ${arrivals}.`;
}

function storing(tape: Tape, { value, before, contribution, after, earlier }: Accumulate): string {
  const name = nameOf(tape, value);
  if (!before) return `${name} keeps it: ${name}.grad is ${brief(after)}.`;
  const from = earlier.length ? ` from ${earlier.map(origin).join(' and ')}` : '';
  const sum = isSmall(before) ? `: ${brief(before)} + ${brief(contribution)} = ${brief(after)}` : '';
  return `${name}.grad already held a gradient${from}, so it adds up${sum}.`;
}

function freeing(tape: Tape, ops: number[]): string {
  if (ops.length === 0) return '';
  if (ops.length > 1) return ` ${plural(ops.length, 'op')} let go of what they had saved.`;
  return ` ${tape.ops[ops[0]!]!.name} lets go of what it had saved.`;
}

function ending(pass: Pass): string {
  if (pass.error !== undefined) return '';
  return pass.kind === 'grad'
    ? ' That is the whole of grad(); no .grad was touched.'
    : ' The backward pass is complete.';
}

/** What was counted but not kept, plainly: a sentence for every reason. */
export function folded(folds: Tape['folds']): string[] {
  const counts = new Map<string, string[]>();
  for (const { what, count, why } of folds) {
    const noun = count === 1 ? what.replace(/^(\w*ss)es\b|^(\w+)s\b/, '$1$2') : what;
    counts.set(why, [...(counts.get(why) ?? []), `${count.toLocaleString('en')} ${noun}`]);
  }
  return [...counts].map(([why, lost]) => `${lost.join(', ')} not kept: ${why}`);
}

/** One sentence for a node: what it is, holds and has received at moment k. */
export function describe(tape: Tape, timeline: Timeline, id: number, k: number): string {
  const value = tape.values[id]!;
  const op = value.op === undefined ? undefined : tape.ops[value.op];
  const known = timeline.at(id, k);
  const parts = [
    `${op ? op.name : value.kind} ${value.name ?? (op ? '' : 'without a name')}`.trim(),
    value.shape.length ? `shape ${shape(value.shape)}` : '',
    value.data ? `value ${brief(value.data)}` : '',
    known.gradient ? `gradient ${brief(known.gradient)}` : known.status === 'pending' ? 'no gradient yet' : '',
    known.grad
      ? `.grad ${brief(known.grad)}${known.leftover.length ? ', partly left over from an earlier backward' : ''}`
      : '',
    op && timeline.isFreed(op.id, k) ? 'freed' : '',
    op?.span ? `${place(tape, op.span)}` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

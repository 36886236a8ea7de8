// A trace as straight-line Python, line by line: twin of nbautograd/trace/listing.py.

import { kept } from './say';
import type { Accumulate, Contribution, Flow, Num, Op, Pass, Seed, Span, Summary, Tape, Value } from './validate';

const LONGEST = 400;
const CODE = 100;
const WHOLE = 8;
const LINES = 8;
const PLAIN = /^[A-Za-z_]+=[A-Za-z0-9_.,()[\] +-]*$/;
const RESERVED = ['np', 'math', 'scipy', 'gradient', 'unbroadcast'];
const UNFIT =
  // eslint-disable-next-line no-control-regex
  /[\x00-\x20\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]/gu;

/** A line of the listing, and what it tells about. */
export interface Line {
  text: string;
  /** The op that it computes. */
  op?: number;
  /** The step of the backward pass, as the player counts. */
  step?: number;
}

/** All lines: what ran forward, then the passes in the order of their events. */
export function listing(tape: Tape): Line[] {
  return new Listing(tape).lines.map((line) => ({ ...line, text: line.text.replace(/ +$/, '') }));
}

class Listing {
  readonly lines: Line[] = [];
  /** Per value, how it is written. */
  readonly #names: string[] = [];
  /** Per value, the name of its gradient. */
  readonly #gradients: string[] = [];
  readonly #code: string[][];
  /** What the last comment said. */
  #place: [line: string, module: string | undefined] | undefined;
  #step = 0;

  constructor(readonly tape: Tape) {
    this.#code = tape.sources.map(({ code }) => code.split('\n'));
    this.#chooseNames();
    if (tape.ops.length) this.#add(`# forward, ${clean(tape.cell.label, 60)}`);
    if (tape.folds.length) this.#add(`# ${kept(tape)}`);
    if (this.#untold()) this.#add(`# updates of leaves are not written out: ${this.#untold()}`);
    let run = 0;
    for (const op of tape.ops) {
      const before = run;
      while ((tape.passes[run]?.ops_before ?? Infinity) <= op.id) this.#passAndUpdates(tape.passes[run++]!);
      if (run > before) this.#section('# forward again');
      this.#comment(op);
      this.lines.push({ text: this.#statement(op), op: op.id });
    }
    for (const pass of tape.passes.slice(run)) this.#passAndUpdates(pass);
    this.#updates();
    if (tape.error !== undefined) this.#section(`# stopped by ${clean(tape.error)}`);
  }

  #section(title: string): void {
    this.#place = undefined;
    this.lines.push({ text: '' }, { text: title });
  }

  /** Who made updates that nobody has written out, at most three. */
  #untold(): string {
    const untold = this.tape.updates.filter(({ code }) => !code?.length);
    const by = [...new Set(untold.map((update) => clean(update.by, 40)))];
    return [...by.slice(0, 3), ...(by.length > 3 ? ['…'] : [])].join(', ');
  }

  #passAndUpdates(pass: Pass): void {
    this.#pass(pass);
    this.#updates(pass);
  }

  /** The updates that used what a pass was the last to add to; of none, those that used earlier traces' alone. */
  #updates(pass?: Pass): void {
    let place: string | undefined;
    for (const { value, by, code, contributions, span, step } of this.tape.updates) {
      const ids = (contributions ?? []).flatMap(({ pass_id }) => (pass_id === undefined ? [] : [pass_id]));
      const after = ids.length ? Math.max(...ids) : undefined;
      if (!code?.length || after !== pass?.id) continue;
      const here = JSON.stringify([by, step, span?.source, span?.line]);
      if (here !== place) {
        place = here;
        const said = [clean(by, 40), ...(step === undefined ? [] : [`loop step ${step}`])];
        this.#section(`# ${[...said, ...this.#where(span)].join(', ')}`);
      }
      const word = this.#gradients[value]!.slice(2);
      for (const line of code.slice(0, LINES))
        this.#add(clean(line.replaceAll('{w}', () => word).replaceAll('{p}', () => this.#names[value]!), LONGEST));
    }
  }

  #add(text: string): void {
    this.lines.push({ text });
  }

  // --- names ---

  #chooseNames(): void {
    const taken = new Set(RESERVED);
    const counts = new Map<string, number>();
    for (const value of this.tape.values) {
      const shown = numberOf(value);
      const path = pathOf(value.name);
      const base = path?.word ?? `v${value.id}`;
      let stem = shown ?? base;
      while (shown === undefined && (taken.has(stem) || taken.has(`d_${stem}`))) {
        counts.set(base, (counts.get(base) ?? 0) + 1);
        stem = `${base}_${counts.get(base)! + 1}`;
      }
      taken.add(stem).add(`d_${stem}`);
      this.#names.push(path && path.word === stem ? path.shown : stem);
      this.#gradients.push(`d_${stem}`);
    }
  }

  // --- forward ---

  /** The line of code that an op came from, where it is another one than before. */
  #comment(op: Op): void {
    const [step, module] = this.#scopes(op);
    const line = JSON.stringify([op.origin, step, op.span?.source, op.span?.line]);
    if (this.#place?.[0] === line && this.#place[1] === module) return;
    const again = this.#place?.[0] === line;
    this.#place = [line, module];
    const parts = op.origin ? [`from ${clean(op.origin, 60)}`] : [];
    if (step !== undefined) parts.push(`loop step ${step}`);
    const said = [...parts, ...this.#where(op.span, module, again)].join(', ');
    if (said) this.#add(`# ${said}`);
  }

  /** The step and the innermost module that an op ran in. */
  #scopes(op: Op): [step: number | undefined, module: string | undefined] {
    let [step, module]: [number | undefined, string | undefined] = [undefined, undefined];
    for (let at = op.scope; at !== undefined; at = this.tape.scopes[at]!.parent) {
      const { kind, index, name } = this.tape.scopes[at]!;
      if (kind === 'step') step ??= index;
      else module ??= clean(name, 60);
    }
    return [step, module];
  }

  #where(span: Span | undefined, module?: string, again = false): string[] {
    if (!span) return module ? [module] : [];
    const label = span.source ? [clean(this.tape.sources[span.source]!.label, 40)] : [];
    const code = trim(clean(this.#code[span.source]![span.line - 1] ?? '', CODE));
    const line = [`line ${span.line}`, ...(module ? [module] : [])].join(', ');
    return [...label, code && !again ? `${line}: ${code}` : line];
  }

  #statement(op: Op): string {
    return this.#filled(op.code || call(op), op);
  }

  /** A text of the schema with names in its holes. */
  #filled(text: string, op: Op, gradient = ''): string {
    const filled = text.replace(/\{(?:(out)(\d{0,3})|(\d{1,3})|g)\}/g, (hole, out, result, input) => {
      if (hole === '{g}') return gradient;
      const id = out === undefined ? op.inputs[Number(input)] : op.outputs[Number(result)];
      return id === undefined ? hole : this.#names[id]!;
    });
    return clean(filled, LONGEST);
  }

  // --- backward ---

  #pass(pass: Pass): void {
    const { tape } = this;
    const roots = pass.roots.map((id) => this.#names[id]).join(', ');
    const number = tape.passes.length > 1 ? ` ${pass.id + 1} of ${tape.passes.length}` : '';
    const begin = pass.kind === 'backward' ? `backward pass${number} from ${roots}` : `grad() of ${roots}`;
    this.#section(`# ${[begin, ...this.#where(pass.span)].join(', ')}`);
    if (pass.events.some((event) => (event.kind === 'flow' || event.kind === 'accumulate') && event.before))
      this.#add('# (here a += b stands for a = a + b: no array is changed)');
    const received = new Set<number>();
    for (const event of pass.events) {
      if (event.kind === 'free') continue;
      if (event.kind === 'flow') this.#comment(tape.ops[event.op]!);
      const text = clean(this.#event(event, received), LONGEST);
      received.add(event.kind === 'flow' ? event.target : event.value);
      this.lines.push({ text, step: ++this.#step });
    }
    if (pass.error !== undefined) this.lines.push({ text: `# stopped by ${clean(pass.error)}`, step: ++this.#step });
  }

  #event(event: Seed | Flow | Accumulate, received: Set<number>): string {
    if (event.kind === 'seed') return `${this.#gradients[event.value]} = ${given(event.gradient)}`;
    if (event.kind === 'accumulate') {
      const [name, share] = [`${this.#names[event.value]}.grad`, this.#gradients[event.value]];
      return event.before ? `${name} += ${share}${left(event.earlier)}` : `${name} = ${share}`;
    }
    const op = this.tape.ops[event.op]!;
    let right = this.#filled(rule(op, event.input), op, this.#upstream(op, received));
    if (event.reduced) right = `unbroadcast(${right}, ${this.#names[event.target]}.shape)  # ${event.reduced}`;
    return `${this.#gradients[event.target]} ${event.before ? '+=' : '='} ${right}`;
  }

  /** The gradient of an op's result; of several, a tuple with None for those that got none. */
  #upstream({ outputs }: Op, received: Set<number>): string {
    if (outputs.length === 1) return this.#gradients[outputs[0]!]!;
    return `(${outputs.map((id) => (received.has(id) ? this.#gradients[id] : 'None')).join(', ')})`;
  }
}

function rule(op: Op, input: number): string {
  return op.rules[input] || `${op.node ?? op.name}({g})[${input}]`;
}

/** The line for an op that came without one. */
function call(op: Op): string {
  const results = op.outputs.map((_, i) => `{out${i || ''}}`).join(', ');
  const settings = Object.entries(op.params).map(([name, value]) => `${name}=${value}`);
  const all = [...op.inputs.map((_, i) => `{${i}}`), ...settings.filter((setting) => PLAIN.test(setting))];
  return `${results} = ${op.name}(${all.join(', ')})`;
}

/** How a variable or parameter is written, and its name as one word: `net[0].weight`, `net_0_weight`. */
function pathOf(name: string | undefined): { shown: string; word: string } | undefined {
  if (!name || [...name].length > 60) return undefined;
  const [first, ...rest] = name.split('.') as [string, ...string[]];
  if (!isWord(first) || !rest.every((part) => isWord(part) || /^[0-9]+$/.test(part))) return undefined;
  const more = rest.map((part) => (isWord(part) ? `.${part}` : `[${part}]`));
  return { shown: first + more.join(''), word: [first, ...rest].join('_') };
}

function isWord(text: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text);
}

/** A number that the code has without a name. */
function numberOf({ kind, name, shape, data, dtype }: Value): string | undefined {
  const numbers = data?.data;
  if (kind !== 'constant' || name !== undefined || shape.length || numbers?.length !== 1) return undefined;
  return typeof numbers[0] === 'string' ? undefined : literal(numbers[0]!, dtype);
}

/** A number as Python writes it. */
function literal(value: Num, dtype: string): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return `float('${value}')`;
  const text = /^u?int/.test(dtype) ? String(Math.trunc(value)) : float(value);
  return text.startsWith('-') ? `(${text})` : text;
}

function float(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
  }
  const text = Object.is(value, -0) ? '-0' : String(value);
  return text.includes('.') ? text : `${text}.0`;
}

/** The gradient that a pass begins with. */
function given({ data, shape, dtype, min, max }: Summary): string {
  const dims = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  if (data?.length ? data.every((each) => Number(each) === 1) : min === 1 && max === 1)
    return shape.length ? `np.ones(${dims})` : '1.0';
  if (!data?.length || data.length > WHOLE || dtype.startsWith('complex'))
    return `gradient  # what backward was given, of shape ${dims}`;
  let parts = data.map((each) => literal(each, dtype).replace(/^\(+|\)+$/g, ''));
  if (shape.length === 0) return parts[0]!;
  for (const size of [...shape].reverse()) {
    const rows: string[] = [];
    for (let i = 0; i < parts.length; i += Math.max(1, size)) rows.push(`[${parts.slice(i, i + size).join(', ')}]`);
    parts = rows;
  }
  return `np.array(${parts.join(', ')})`;
}

/** Where the gradient came from that a leaf held already. */
function left(earlier: Contribution[]): string {
  const [one] = earlier;
  if (!one) return '';
  if (earlier.length > 1) return `  # on top of what ${earlier.length} passes left there`;
  const line = one.line === undefined ? '' : `, line ${one.line}`;
  return `  # on top of what ${clean(one.label, 60)}, run ${one.run}${line}, left there`;
}

/** Text as one harmless line of at most `limit` characters. */
function clean(text: string, limit = 200): string {
  // Twice as many units hold at least `limit` characters; do not take a giant apart.
  const line = [...text.slice(0, 2 * limit + 2)].slice(0, limit + 1).map((c) => c.replace(UNFIT, ' '));
  return line.length <= limit ? line.join('') : `${line.slice(0, limit - 1).join('')}…`;
}

function trim(text: string): string {
  return text.replace(/^ +| +$/g, '');
}

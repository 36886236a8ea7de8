// Small traces made by hand: a tape of arrays, just enough to give the view something true to show.

import type { Accumulate, Contribution, Flow, Num, Op, Pass, Span, Summary, Trace, Value } from '../../src/graph/schema';

type Rule = (g: number[], x: number[][]) => number[][];

const json = (x: number): Num => (Number.isFinite(x) ? x : Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf');

export function summary(data: number[], shape: number[] = data.length === 1 ? [] : [data.length]): Summary {
  const small = data.length <= 64;
  const norm = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
  const [min, max] = [Math.min(...data), Math.max(...data)];
  const histogram = Array.from({ length: 16 }, () => 0);
  for (const x of data) histogram[Math.min(15, Math.floor((16 * (x - min)) / (max - min || 1)))]!++;
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const std = Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
  const zeros = data.filter((x) => x === 0).length;
  const figures = { min: json(min), max: json(max), mean: json(mean), std: json(std), norm: json(norm), zeros };
  return { shape, dtype: 'float32', ...(small ? { data: data.map(json), norm: json(norm), zeros } : { ...figures, histogram }) };
}

/** Records ops on arrays and walks back through them, writing down what a recorder would. */
export class Tape {
  readonly trace: Required<Pick<Trace, 'values' | 'ops' | 'passes' | 'sources'>> & Trace;
  readonly data: number[][] = [];
  readonly #rules = new Map<number, Rule>();
  readonly stored = new Map<number, { gradient: number[]; earlier: Contribution[] }>();

  constructor(
    readonly code: string,
    label = 'In [3]',
    run = 1,
  ) {
    const cell = { id: 'cell', label, run };
    this.trace = { version: 1, cell, sources: [{ label, code }], values: [], ops: [], passes: [], scopes: [], engine: 'nbautograd' };
  }

  leaf(name: string | undefined, data: number[], shape?: number[], requires_grad = true): number {
    const id = this.#value({ kind: requires_grad ? 'leaf' : 'constant', requires_grad, name }, data, shape);
    return id;
  }

  op(name: string, inputs: number[], data: number[], rule: Rule, more: Partial<Op> & { name?: string; shape?: number[]; as?: string; at?: string } = {}): number {
    const { shape, as, at, ...rest } = more;
    const op = this.trace.ops.length;
    const id = this.#value({ kind: 'op', requires_grad: true, name: as, op }, data, shape);
    this.trace.ops.push({ id: op, node: `${name[0]!.toUpperCase()}${name.slice(1)}Backward0`, inputs, outputs: [id], span: this.span(at), ...rest, name });
    this.#rules.set(op, rule);
    return id;
  }

  mul(a: number, b: number, at?: string, as?: string): number {
    const [x, y] = [this.data[a]!, this.data[b]!];
    const rule: Rule = (g) => [g.map((d, i) => d * y[i % y.length]!), g.map((d, i) => d * x[i % x.length]!)];
    return this.op('mul', [a, b], x.map((v, i) => v * y[i % y.length]!), rule, { at, as, local: ['b', 'a'], saved: ['a', 'b'] });
  }

  add(a: number, b: number, at?: string, as?: string): number {
    const [x, y] = [this.data[a]!, this.data[b]!];
    return this.op('add', [a, b], x.map((v, i) => v + y[i % y.length]!), (g) => [g, g], { at, as, local: ['1', '1'] });
  }

  tanh(a: number, at?: string, as?: string): number {
    const y = this.data[a]!.map(Math.tanh);
    const rule: Rule = (g) => [g.map((d, i) => d * (1 - y[i]! ** 2))];
    return this.op('tanh', [a], y, rule, { at, as, local: ['1 - \\tanh(x)^2'], saved: ['y'], shape: this.trace.values[a]!.shape });
  }

  sum(a: number, at?: string, as?: string): number {
    const x = this.data[a]!;
    const rule: Rule = (g) => [x.map(() => g[0]!)];
    return this.op('sum', [a], [x.reduce((s, v) => s + v, 0)], rule, { at, as, local: ['\\mathbf{1}'], shape: [] });
  }

  /** (n, k) by (k, m). */
  matmul(a: number, b: number, at?: string, as?: string, scope?: number): number {
    const [x, y] = [this.data[a]!, this.data[b]!];
    const [[n, k], m] = [this.trace.values[a]!.shape as [number, number], this.trace.values[b]!.shape[1]!];
    const product = (l: number[], r: number[], rows: number, inner: number, columns: number, at: (i: number, j: number, p: number) => [number, number]) =>
      Array.from({ length: rows * columns }, (_, q) => {
        let sum = 0;
        for (let p = 0; p < inner; p++) {
          const [u, v] = at(Math.floor(q / columns), q % columns, p);
          sum += l[u]! * r[v]!;
        }
        return sum;
      });
    const out = product(x, y, n, k, m, (i, j, p) => [i * k + p, p * m + j]);
    const rule: Rule = (g) => [product(g, y, n, m, k, (i, j, p) => [i * m + p, j * m + p]), product(x, g, k, n, m, (i, j, p) => [p * k + i, p * m + j])];
    return this.op('matmul', [a, b], out, rule, { at, as, scope, shape: [n, m], local: ['W^\\top', 'x^\\top'], saved: ['x', 'W'] });
  }

  /** (n, m) + (m,): broadcast over the rows. */
  bias(a: number, b: number, at?: string, scope?: number): number {
    const [x, y] = [this.data[a]!, this.data[b]!];
    const m = y.length;
    const rule: Rule = (g) => [g, y.map((_, j) => g.reduce((s, d, i) => s + (i % m === j ? d : 0), 0))];
    return this.op('add', [a, b], x.map((v, i) => v + y[i % m]!), rule, { at, scope, local: ['1', '1'], shape: this.trace.values[a]!.shape });
  }

  backward(root: number, at?: string, contribution?: Partial<Contribution>): void {
    const { ops, values } = this.trace;
    const pass: Required<Pick<Pass, 'events'>> & Pass = { id: this.trace.passes.length, kind: 'backward', roots: [root], events: [], span: this.span(at) };
    this.trace.passes.push(pass);
    const grads = new Map([[root, this.data[root]!.map(() => 1)]]);
    const last = values[root]!.op ?? -1;
    const reached = this.#reached(root);
    const arrivals = new Map<number, number>();
    for (const op of ops) if (reached.has(op.id)) for (const i of op.inputs) arrivals.set(i, (arrivals.get(i) ?? 0) + 1);
    const arrived = new Map<number, number>();
    pass.events.push({ kind: 'seed', value: root, gradient: this.#summary(root, grads.get(root)!) });
    for (let id = last; id >= 0; id--) {
      const op = ops[id]!;
      const g = grads.get(op.outputs[0]!);
      if (!g || !reached.has(id)) continue;
      const shares = this.#rules.get(id)!(g, op.inputs.map((i) => this.data[i]!));
      op.inputs.forEach((target, input) => {
        if (!values[target]!.requires_grad) return;
        const share = shares[input]!;
        const before = grads.get(target);
        const after = before ? before.map((v, i) => v + share[i]!) : share;
        grads.set(target, after);
        arrived.set(target, (arrived.get(target) ?? 0) + 1);
        const local = ['matmul', 'sum'].includes(op.name) || share.length !== g.length ? undefined : share.map((v, i) => v / g[i]!);
        const reduced = share.length < g.length && op.name === 'add' ? `sum over axis 0: (${values[op.outputs[0]!]!.shape.join(', ')}) → (${share.length},)` : undefined;
        const flow: Flow = {
          kind: 'flow', op: id, input, target, upstream: this.#summary(op.outputs[0]!, g), contribution: this.#summary(target, share),
          after: this.#summary(target, after), arrival: arrived.get(target)!, arrivals: arrivals.get(target)!, reduced,
          local: local?.every(Number.isFinite) ? this.#summary(target, local) : undefined,
          before: before && this.#summary(target, before),
        };
        pass.events.push(JSON.parse(JSON.stringify(flow)) as Flow);
      });
      pass.events.push({ kind: 'free', ops: [id] });
    }
    for (const value of values) if (value.kind === 'leaf' && grads.has(value.id)) this.#store(value, grads.get(value.id)!, pass, contribution);
  }

  span(at: string | undefined): Span | undefined {
    if (at === undefined) return undefined;
    const lines = this.code.split('\n');
    const line = lines.findIndex((text) => text.includes(at));
    const column = lines[line]!.indexOf(at);
    return { source: 0, line: line + 1, column, end_line: line + 1, end_column: column + at.length };
  }

  #reached(root: number): Set<number> {
    const reached = new Set<number>();
    const queue = [root];
    for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
      const { op } = this.trace.values[value]!;
      if (op === undefined || reached.has(op)) continue;
      reached.add(op);
      queue.push(...this.trace.ops[op]!.inputs);
    }
    return reached;
  }

  #store(value: Value, gradient: number[], pass: Pass, contribution: Partial<Contribution> = {}): void {
    const stored = this.stored.get(value.id);
    const total = stored ? stored.gradient.map((v, i) => v + gradient[i]!) : gradient;
    const event: Accumulate = { kind: 'accumulate', value: value.id, contribution: this.#summary(value.id, gradient), after: this.#summary(value.id, total) };
    if (stored) Object.assign(event, { before: this.#summary(value.id, stored.gradient), earlier: stored.earlier });
    pass.events!.push(event);
    value.grad = event.after;
    const { cell } = this.trace;
    const mine = { cell: cell.id, label: cell.label, run: cell.run ?? 1, gradient: event.contribution, line: pass.span?.line, pass_id: pass.id, ...contribution };
    this.stored.set(value.id, { gradient: total, earlier: [...(stored?.earlier ?? []), mine] });
  }

  #summary(value: number, data: number[]): Summary {
    return summary(data, this.trace.values[value]!.shape);
  }

  #value(value: Partial<Value> & Pick<Value, 'kind'>, data: number[], shape?: number[]): number {
    const id = this.trace.values.length;
    const figures = summary(data, shape ?? (data.length === 1 ? [] : [data.length]));
    this.trace.values.push(JSON.parse(JSON.stringify({ id, shape: figures.shape, dtype: 'float32', data: figures, ...value })) as Value);
    this.data.push(data);
    return id;
  }
}

/** The example of the README: loss = (x * w).sum(). */
export function product(run = 1): Tape {
  const code = ['x = tensor([1., 2.], requires_grad=True)', 'w = tensor([3., -1.], requires_grad=True)', 'loss = (x * w).sum()', 'loss.backward()'];
  const tape = new Tape(code.join('\n'), `In [${2 + run}]`, run);
  const [x, w] = [tape.leaf('x', [1, 2]), tape.leaf('w', [3, -1])];
  const loss = tape.sum(tape.mul(x, w, 'x * w'), '(x * w).sum()', 'loss');
  if (run > 1) {
    for (const [leaf, gradient] of [[x, [3, -1]], [w, [1, 2]]] as const) {
      const earlier = [{ cell: 'cell', label: 'In [3]', run: 1, gradient: summary([...gradient]), line: 4 }];
      tape.stored.set(leaf, { gradient: [...gradient], earlier });
    }
  }
  tape.backward(loss, 'loss.backward()');
  return tape;
}

/** A scalar that is used three times: y = a * b + a, f = tanh(y) * a. */
export function fanOut(): Tape {
  const tape = new Tape('a = tensor(0.5, requires_grad=True)\nb = tensor(-2.0, requires_grad=True)\ny = a * b + a\nf = y.tanh() * a\nf.backward()');
  const [a, b] = [tape.leaf('a', [0.5]), tape.leaf('b', [-2])];
  const y = tape.add(tape.mul(a, b, 'a * b'), a, 'a * b + a', 'y');
  tape.backward(tape.mul(tape.tanh(y, 'y.tanh()'), a, 'y.tanh() * a', 'f'), 'f.backward()');
  return tape;
}

/** A chain of n sines of a kind: x = tanh(x), n times. */
export function chain(n: number): Tape {
  const tape = new Tape(`x = tensor(0.9, requires_grad=True)\ny = x\nfor _ in range(${n}):\n    y = y.tanh()\ny.backward()`);
  let y = tape.leaf('x', [0.9]);
  for (let i = 0; i < n; i++) y = tape.tanh(y, 'y.tanh()');
  tape.backward(y, 'y.backward()');
  return tape;
}

/** Two linear layers with a tanh between them, on a batch of four. */
export function network(): Tape {
  const random = (n: number, seed: number) => Array.from({ length: n }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233) * 0.8);
  const tape = new Tape('h = tanh(x @ W1 + b1)\ny = h @ W2 + b2\nloss = (y * y).sum()\nloss.backward()');
  const x = tape.leaf('x', random(4 * 16, 1), [4, 16], false);
  const [w1, b1] = [tape.leaf('W1', random(16 * 8, 2), [16, 8]), tape.leaf('b1', random(8, 3), [8])];
  const [w2, b2] = [tape.leaf('W2', random(8 * 2, 4), [8, 2]), tape.leaf('b2', random(2, 5), [2])];
  const h = tape.tanh(tape.bias(tape.matmul(x, w1, 'x @ W1'), b1, 'x @ W1 + b1'), 'tanh(x @ W1 + b1)', 'h');
  const y = tape.bias(tape.matmul(h, w2, 'h @ W2'), b2, 'h @ W2 + b2');
  const square = tape.op('mul', [y, y], tape.data[y]!.map((v) => v * v), (g) => [g.map((d, i) => d * tape.data[y]![i]!), g.map((d, i) => d * tape.data[y]![i]!)], {
    at: 'y * y', shape: [4, 2], local: ['b', 'a'],
  });
  tape.backward(tape.sum(square, '(y * y).sum()', 'loss'), 'loss.backward()');
  return tape;
}

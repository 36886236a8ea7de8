// The trace as the front end reads it. Written by `python -m nbautograd.trace.schema`; do not edit.

export const SCHEMA_VERSION = 1;
export const MIME_TYPE = "application/vnd.nbautograd.trace+json";

/** A number as JSON can hold it. */
export type Num = number | boolean | 'nan' | 'inf' | '-inf' | `${string}j`;

/** The numbers of one tensor: whole when it is small, figures when it is large. */
export interface Summary {
  shape: number[];
  dtype: string;
  /** Default: "cpu". */
  device?: string;
  /**
   * Every element in row-major order, or None when there are too many to keep. Where it is given, it tells
   * `min`, `max`, `mean` and `std`, and they are left out.
   */
  data?: Num[];
  min?: Num;
  max?: Num;
  mean?: Num;
  std?: Num;
  norm?: Num;
  zeros?: number;
  nans?: number;
  infs?: number;
  /** Counts in 16 equal bins from `min` to `max`; only for tensors whose `data` is not kept. */
  histogram?: number[];
  /** True when `histogram` counts a sample of the elements. */
  sampled?: boolean;
}

/** A piece of code that ops came from: the traced cell, another cell, or a file. */
export interface Source {
  /** What a person calls it: `In [3]`, `model.py`. */
  label: string;
  code: string;
  /** The notebook's id of the cell, where it is one. */
  cell?: string;
}

/** A place in the code: lines count from 1, columns from 0, the end is exclusive. */
export interface Span {
  source: number;
  line: number;
  column: number;
  end_line: number;
  end_column: number;
  function?: string;
}

/** Which execution this trace is of. */
export interface Cell {
  id: string;
  label: string;
  /** The how-manieth execution of this very cell, from 1. Default: 1. */
  run?: number;
  execution_count?: number;
}

/** A module call or one step of a loop, inside which ops ran. */
export interface Scope {
  id: number;
  kind: 'module' | 'step';
  /** The module's path in its parent (`net.fc1`), or the loop's own line for a step. */
  name: string;
  parent?: number;
  /** The module's class name. */
  type?: string;
  /** Which step of the loop, from 0. */
  index?: number;
  span?: Span;
}

/** One tensor: a leaf, a constant, or what an op put out. */
export interface Value {
  id: number;
  kind: 'leaf' | 'constant' | 'op';
  shape: number[];
  dtype: string;
  /** Default: "cpu". */
  device?: string;
  requires_grad?: boolean;
  /** The variable or parameter name under which the user knows it. */
  name?: string;
  op?: number;
  /** Which output of `op` this is. */
  output?: number;
  data?: Summary;
  /** What `.grad` held when the trace ended; for a value that is no leaf, the gradient that reached it last. */
  grad?: Summary;
  /** The value that this one is a view of. */
  base?: number;
}

/** One operation that ran forward. */
export interface Op {
  id: number;
  name: string;
  /** The backward node's name (`MulBackward0`); None when nothing was recorded for backward. */
  node: string | null;
  inputs: number[];
  outputs: number[];
  params?: Record<string, string>;
  span?: Span;
  scope?: number;
  /** Names of what was kept for backward. */
  saved?: string[];
  /** Per input, the local derivative as TeX. */
  local?: (string | null)[];
  in_place?: boolean;
  /** Who ran it, where it was not the traced code but an earlier cell: `In [3]`. */
  origin?: string;
  /**
   * What it computes as a line of Python, `{out} = {0} * {1}`: inputs by position, results `{out}`, `{out1}` …
   * Default: "".
   */
  code?: string;
  /** Per input, what it sends back there, as Python: `{g} * {1}`, where `{g}` is the gradient of the result. */
  rules?: (string | null)[];
}

/** Backward begins: the root's own gradient. */
export interface Seed {
  value: number;
  gradient: Summary;
  kind: 'seed';
}

/** A gradient went along one edge, from an op's output to one of its inputs. */
export interface Flow {
  op: number;
  /** Position among the op's inputs. */
  input: number;
  /** The value that receives the contribution. */
  target: number;
  upstream: Summary;
  contribution: Summary;
  after: Summary;
  /** What the target had received before; None when this is the first contribution. */
  before?: Summary;
  /** The local derivative in numbers, where `contribution = upstream × local` element by element. */
  local?: Summary;
  /** The sum that undid a broadcast, in words: `sum over axis 0: (4, 8) → (8,)`. */
  reduced?: string;
  /** Default: 1. */
  arrival?: number;
  /** This is contribution `arrival` of `arrivals` to the target in this pass. Default: 1. */
  arrivals?: number;
  kind: 'flow';
}

/** A leaf added what the pass brought to its `.grad`. */
export interface Accumulate {
  value: number;
  contribution: Summary;
  after: Summary;
  /** What `.grad` held already; None when it was empty. */
  before?: Summary;
  /** Where `before` came from, oldest first. */
  earlier?: Contribution[];
  kind: 'accumulate';
}

/** The pass let go of what these ops had saved. */
export interface Free {
  ops: number[];
  kind: 'free';
}

/** One backward pass, with its events in the order in which they happened. */
export interface Pass {
  id: number;
  kind: 'backward' | 'grad';
  roots: number[];
  events?: (Seed | Flow | Accumulate | Free)[];
  span?: Span;
  create_graph?: boolean;
  retain_graph?: boolean;
  error?: string;
  /** How many of the trace's ops had run when it began. */
  ops_before?: number;
}

/** One backward pass's share of a leaf's `.grad`. */
export interface Contribution {
  cell: string;
  /** `In [3]`, or what else the traced code is called. */
  label: string;
  run: number;
  gradient: Summary;
  line?: number;
  /** The pass in this trace; None when it came from an earlier one. */
  pass_id?: number;
  /** How many updates had used it already. */
  consumed?: number;
  /** Which step of the loop it came from, where it was in one. */
  step?: number;
  /** How many backward passes are told as one, in the middle of very many. Default: 1. */
  passes?: number;
}

/** What a leaf's `.grad` is made of when the trace ends. */
export interface Ledger {
  value: number;
  name: string;
  total: Summary | null;
  contributions?: Contribution[];
  /** Whether this run cleared it at least once. */
  cleared?: boolean;
  /** Whether this run updated the leaf from it at least once. */
  consumed?: boolean;
}

/** A leaf's values were changed, by an optimizer or by hand. */
export interface Update {
  value: number;
  name: string;
  /** `SGD.step`, or `in-place` for a change by hand. */
  by: string;
  /** What `.grad` was made of at that moment. */
  contributions?: Contribution[];
  /** Where the gradient was cleared after backward and before this update, if it was. */
  cleared?: Span;
  span?: Span;
  step?: number;
  /** What the optimizer did to the leaf `{p}`, as Python, line by line; `{w}` is its name as one word. */
  code?: string[];
}

/** Something the doctor has to say. */
export interface Finding {
  code: string;
  severity: 'error' | 'warning' | 'note';
  title: string;
  message: string;
  /** What to do, with code between backticks. */
  hint: string;
  /** The one line that silences it. */
  mute: string;
  span?: Span;
  values?: number[];
  ops?: number[];
}

/** What was counted but not kept, so that nothing is left out in silence. */
export interface Fold {
  /** `ops`, `events`, `values`, `steps` … */
  what: string;
  count: number;
  why: string;
}

/** One step of a loop in figures, kept also when the step's ops are not. */
export interface StepFigures {
  index: number;
  ops?: number;
  events?: number;
  loss?: Num;
  grad_norm?: Num;
  kept?: boolean;
}

/** Everything that one traced piece of code did. */
export interface Trace {
  cell: Cell;
  sources?: Source[];
  values?: Value[];
  ops?: Op[];
  scopes?: Scope[];
  passes?: Pass[];
  ledgers?: Ledger[];
  updates?: Update[];
  findings?: Finding[];
  folds?: Fold[];
  steps?: StepFigures[];
  /** How many ops ran, folded ones included. */
  op_count?: number;
  /** The exception that ended the code, as `Type: message`. */
  error?: string;
  /** How many backward passes the user said they would add up on purpose. */
  grad_accum?: number;
  /** Default: "nbautograd". */
  engine?: string;
  version: number;
}

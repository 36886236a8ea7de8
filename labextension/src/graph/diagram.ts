// A trace as boxes and links: which ops are drawn, which are folded into groups, and what each box says.

import { fold, type Cluster, type Folding } from './fold';
import { brief, shape } from './format';
import type { LayoutInput } from './layout';
import type { Op, Span, Tape, Value } from './validate';

export interface Node {
  key: string;
  kind: 'op' | 'leaf' | 'constant' | 'group';
  title: string;
  lines: string[];
  width: number;
  height: number;
  /** Id of the value that it stands for: an op's first output, what a group puts out first. */
  value?: number;
  op?: number;
  /** The ops in a group. */
  members?: number[];
  scope?: number;
  span?: Span;
  /** A view of a leaf (a transposed weight), to be drawn next to its consumer. */
  weightOnly?: boolean;
}

export interface Link {
  from: string;
  to: string;
  /** Operand position at the consumer. */
  order: number;
  /** The trace's edges that it stands for. */
  flows: { op: number; input: number }[];
  value: number;
}

export interface Diagram {
  /** In tape order: every link leads from an earlier node to a later one. */
  nodes: Node[];
  links: Link[];
  collapsed: boolean;
  /** How many ops and leaves are not drawn. */
  hidden: number;
}

const SYMBOLS: Record<string, string> = { add: '+', sub: '−', mul: '×', div: '÷' };
/** Width of a character: of the lines, which are monospaced, and on average of the bold title. */
const CHARACTER = 7.2;
const TITLE_CHARACTER = 8;
const LINE = 15;
const PADDING = { x: 24, leaf: 36, y: 17 };
const LEAST_WIDTH = 76;
const TITLE = 26;
const DATA = 18;
/** A folded line of code stands among its own leaves when there are no more than this. */
const OWN_LEAVES = 8;

export function diagram(tape: Tape, options: Folding): Diagram {
  const clusters = fold(tape, options);
  const { leaves, leafOf, dropped } = leavesOf(tape, clusters, options.maxNodes);
  const nodes = [...clusters.map((cluster) => clusterNode(tape, cluster)), ...leaves.map((value) => leafNode(value))];
  const links = linksOf(tape, clusters, leafOf);
  const order = tapeOrder(nodes.length, links);
  const key = (i: number): string => nodes[i]!.key;
  const folded = clusters.filter(isGroup);
  return {
    nodes: order.map((i) => nodes[i]!),
    links: links.map(({ from, to, ...rest }) => ({ from: key(from), to: key(to), ...rest })),
    collapsed: folded.length > 0,
    hidden: folded.reduce((sum, { ops }) => sum + ops.length, dropped),
  };
}

export function toLayoutInput({ nodes, links }: Diagram): LayoutInput {
  const boxes = nodes.map(({ key, width, height, weightOnly, title }) => ({
    key,
    width,
    height,
    ...(weightOnly && { weightOnly }),
    chipWidth: length(title) * CHARACTER + 16,
  }));
  return { boxes, edges: links.map(({ from, to, order }) => ({ from, to, order })) };
}

function isGroup({ group }: Cluster): boolean {
  return group !== undefined;
}

// --- leaves and links ---

/** The leaves and constants that are drawn, and for each value its node's number; -1 for what no node stands for. */
function leavesOf(tape: Tape, clusters: Cluster[], most: number) {
  const home = new Int32Array(tape.values.length).fill(-1);
  const users = home.slice();
  const SEVERAL = -2;
  clusters.forEach(({ ops }, i) => {
    for (const op of ops) {
      for (const id of tape.ops[op]!.inputs) users[id] = users[id] === -1 || users[id] === i ? i : SEVERAL;
      for (const id of tape.ops[op]!.outputs) home[id] = i;
    }
  });
  const own = clusters.map(() => 0);
  for (const { id } of tape.values) if (home[id] === -1 && users[id]! >= 0) own[users[id]!]!++;
  const leaves: Value[] = [];
  let dropped = 0;
  for (const value of tape.values) {
    const user = users[value.id]!;
    if (home[value.id] !== -1 || (user === -1 && !(value.kind === 'leaf' && value.requires_grad))) continue;
    if (leaves.length >= most || (user >= 0 && belongsTo(value, clusters[user]!, own[user]!))) dropped++;
    else home[value.id] = clusters.length + leaves.push(value) - 1;
  }
  return { leaves, leafOf: home, dropped };
}

/** Whether one of the `count` values that only this cluster uses is drawn inside it: a parameter, but not an input. */
function belongsTo(value: Value, { group }: Cluster, count: number): boolean {
  if (!group) return false;
  if (group.kind === 'line') return value.name === undefined || (value.requires_grad && count > OWN_LEAVES);
  return group.kind !== 'module' || value.requires_grad || value.name === undefined;
}

interface Edge extends Omit<Link, 'from' | 'to'> {
  from: number;
  to: number;
}

/** One link per operand of an op; one per source of a group. */
function linksOf(tape: Tape, clusters: Cluster[], home: Int32Array): Edge[] {
  const links: Edge[] = [];
  clusters.forEach(({ ops, group }, to) => {
    const merged = new Map<number, Edge>();
    for (const op of ops)
      tape.ops[op]!.inputs.forEach((value, input) => {
        const from = home[value]!;
        if (from < 0 || from === to) return;
        const known = group && merged.get(from);
        if (known) return void known.flows.push({ op, input });
        const link = { from, to, order: group ? merged.size : input, flows: [{ op, input }], value };
        merged.set(from, link);
        links.push(link);
      });
  });
  return links;
}

/** The nodes so that all links lead forward, as near to the order of the ops as can be. */
function tapeOrder(count: number, links: Edge[]): number[] {
  const sources: number[][] = Array.from({ length: count }, () => []);
  for (const { from, to } of links) sources[to]!.push(from);
  const next = new Int32Array(count);
  const seen = new Uint8Array(count);
  const order: number[] = [];
  for (let root = 0; root < count; root++) {
    const stack = seen[root] ? [] : [root];
    seen[root] = 1;
    while (stack.length) {
      const node = stack[stack.length - 1]!;
      const source = sources[node]![next[node]!++];
      if (source === undefined) order.push(stack.pop()!);
      else if (!seen[source]) {
        seen[source] = 1;
        stack.push(source);
      }
    }
  }
  return order;
}

// --- what a node says ---

function clusterNode(tape: Tape, cluster: Cluster): Node {
  return isGroup(cluster) ? groupNode(tape, cluster) : opNode(tape, tape.ops[cluster.ops[0]!]!);
}

function opNode(tape: Tape, op: Op): Node {
  const value = tape.values[op.outputs[0] ?? -1];
  const more = op.outputs.length > 1 ? [`${op.outputs.length} outputs`] : [];
  return {
    key: `o${op.id}`,
    kind: 'op',
    ...sized(titleOf(op), value ? [valueLine(value), ...more] : [], PADDING.x),
    ...(value && { value: value.id }),
    op: op.id,
    ...(op.scope !== undefined && { scope: op.scope }),
    ...(op.span && { span: op.span }),
    ...(value && isViewOfLeaf(tape, value) && { weightOnly: true }),
  };
}

function titleOf({ name, params, in_place: inPlace }: Op): string {
  const symbol = SYMBOLS[name.toLowerCase()];
  const text = symbol ? symbol + (inPlace ? '=' : '') : name;
  // A setting that is off says nothing.
  const on = Object.entries(params).filter(([, setting]) => setting !== 'False' && setting !== 'None');
  const settings = on.map(([key, setting]) => `${key}=${setting}`);
  return settings.length ? `${text}(${settings.join(', ')})` : text;
}

function valueLine({ name, data, shape: dims }: Value): string {
  const text = data ? brief(data, DATA) : shape(dims);
  if (name === undefined) return text;
  return data && text !== shape(dims) ? `${name} = ${text}` : `${name} ${text}`;
}

function isViewOfLeaf(tape: Tape, value: Value): boolean {
  const base = tape.values[value.base ?? -1];
  return base?.kind === 'leaf' && base.requires_grad;
}

function leafNode({ id, kind, name, data, shape: dims }: Value): Node {
  const constant = kind !== 'leaf';
  const text = data ? brief(data, DATA) : shape(dims);
  const bare = constant && name === undefined;
  return {
    key: `v${id}`,
    kind: constant ? 'constant' : 'leaf',
    ...sized(bare ? text : (name ?? 'leaf'), bare ? [] : [text], constant ? PADDING.x : PADDING.leaf),
    value: id,
  };
}

function groupNode(tape: Tape, { key, ops, group }: Cluster): Node {
  const out = outputOf(tape, ops);
  const span = tape.ops[ops[0]!]!.span;
  return {
    key,
    kind: 'group',
    ...sized(group!.title, [`${ops.length} ops`, ...(out ? [`→ ${valueLine(out)}`] : [])], PADDING.leaf),
    ...(out && { value: out.id }),
    members: ops,
    ...(group!.scope !== undefined && { scope: group!.scope }),
    ...(span && { span }),
  };
}

/** The last value that leaves a group. */
function outputOf(tape: Tape, ops: number[]): Value | undefined {
  const inner = new Set(ops.flatMap((op) => tape.ops[op]!.inputs));
  const outputs = ops.flatMap((op) => tape.ops[op]!.outputs);
  const id = outputs.findLast((value) => !inner.has(value)) ?? outputs.at(-1);
  return id === undefined ? undefined : tape.values[id];
}

function sized(title: string, lines: string[], padding: number) {
  const texts = [title, ...lines].map(fitted);
  const widths = texts.map((text, i) => length(text) * (i === 0 ? TITLE_CHARACTER : CHARACTER));
  return {
    title: texts[0]!,
    lines: texts.slice(1),
    width: Math.max(LEAST_WIDTH, Math.ceil(Math.max(...widths) + padding)),
    height: texts.length * LINE + PADDING.y,
  };
}

/** One line of at most `TITLE` characters, counted as Python counts them. */
function fitted(text: string): string {
  const start = Array.from(text.slice(0, 8 * TITLE)).slice(0, 4 * TITLE).join('');
  const characters = Array.from(start.replace(/[\x00-\x20]+/g, ' '));
  return characters.length <= TITLE ? characters.join('') : `${characters.slice(0, TITLE - 1).join('')}…`;
}

function length(text: string): number {
  return Array.from(text).length;
}

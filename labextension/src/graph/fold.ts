// Folds a trace's ops into groups by module, loop step and source line, in such a way that no circle arises.

import type { Op, Tape } from './validate';

export interface Folding {
  collapse: 'auto' | 'module' | 'line' | 'none';
  /** Keys of the groups that are open. */
  expanded: ReadonlySet<string>;
  /** Roughly how many nodes may be drawn at once. */
  maxNodes: number;
}

/** Ops that are drawn as one node: a single op, or a closed group. */
export interface Cluster {
  key: string;
  ops: number[];
  group?: Group;
}

export interface Group {
  kind: 'module' | 'step' | 'line' | 'repeat' | 'range';
  /** What tells it from its siblings. */
  label: string;
  title: string;
  scope?: number;
  /** Siblings that are alike bear the same mark, and runs of them fold into `title ×n`. */
  mark?: string;
}

/** An unfolded diagram is shown whole up to this size. */
const SMALL = 150;
/** One with so many steps of a loop, or modules, is folded from fewer nodes on: these look alike. */
const ALIKE = 6;
const LOOPING = 40;
const LAYERED = 60;
/** A level with fewer groups than this says nothing: `auto` opens it. */
const FEW = 4;
const REPEATS = 3;
/** Scopes further inside than this are no groups of their own. */
const DEEPEST = 32;
/** How many ranges a level that is still too large is cut into. */
const RANGES = 50;

/** NOTE [Folding without circles]
 *
 * A group may only be drawn as one box when no path leaves it and comes back. So each level of the hierarchy is checked
 * on its own: groups on a circle are split into runs of consecutive ops, and since all edges lead forward on the
 * tape, runs make no circles with each other. A circle in a partly opened picture would be one on some level (follow
 * it in the outermost groups: it cannot leave one of them, so it lies on the level inside). Hence any mixture of open
 * and closed groups is free of circles.
 */

/** A part of the ops, to be grouped by the labels at `depth` of their paths. */
interface Level {
  key: string;
  ops: number[];
  depth: number;
  /** Whether it is itself the inside of `title ×n`. */
  repeated: boolean;
}

export function fold(tape: Tape, options: Folding): Cluster[] {
  const limit = options.collapse === 'none' ? options.maxNodes : Math.min(SMALL, options.maxNodes);
  const path = pathsOf(tape, options.collapse);
  const levels: Level[] = [{ key: '', ops: tape.ops.map(({ id }) => id), depth: 0, repeated: false }];
  const closed: Cluster[] = [];
  for (let level = levels.pop(); level; level = levels.pop()) {
    const clusters = split(tape, level, path, limit);
    const few = options.collapse === 'auto' && clusters.length < FEW;
    for (const cluster of clusters) {
      const { key, ops, group } = cluster;
      if (!group) closed.push(cluster);
      else if (ops.length === 1) closed.push({ key: `o${ops[0]}`, ops });
      else if (few && group.kind !== 'range' || options.expanded.has(key)) levels.push(inside(level, cluster));
      else closed.push(cluster);
    }
  }
  return closed.sort((a, b) => a.ops[0]! - b.ops[0]!);
}

function inside({ depth }: Level, { key, ops, group }: Cluster): Level {
  const { kind } = group!;
  return { key, ops, depth: kind === 'range' || kind === 'repeat' ? depth : depth + 1, repeated: kind === 'repeat' };
}

/** The groups that an op lies in, outermost first. */
type Path = (op: number) => Group[];

function pathsOf(tape: Tape, collapse: Folding['collapse']): Path {
  const leaves = new Set(tape.ops.flatMap(({ inputs }) => inputs.filter((id) => tape.values[id]!.op === undefined)));
  const count = (kind: string) => tape.scopes.filter((scope) => scope.kind === kind).length;
  const most = count('step') >= ALIKE ? LOOPING : count('module') >= ALIKE ? LAYERED : SMALL;
  const small = tape.ops.length + leaves.size <= most;
  if (collapse === 'none' || (collapse === 'auto' && small)) return () => [];
  const byScope: Group[][] = [];
  for (const { id, parent } of tape.scopes) {
    const outer = parent === undefined ? [] : byScope[parent]!;
    const counts = outer.length < DEEPEST && (collapse !== 'line' || tape.scopes[id]!.kind === 'step');
    byScope.push(counts ? [...outer, scopeGroup(tape, id)] : outer);
  }
  const scopes = (op: Op): Group[] => (op.scope === undefined ? [] : byScope[op.scope]!);
  if (collapse === 'module') return (id) => scopes(tape.ops[id]!);
  const code = tape.sources.map((source) => source.code.split('\n'));
  const lines = new Map<string, Group>();
  return (id) => [...scopes(tape.ops[id]!), ...lineGroup(code, tape.ops[id]!, lines)];
}

function scopeGroup({ scopes }: Tape, id: number): Group {
  const { kind, name, type, index } = scopes[id]!;
  if (kind === 'step') return { kind, label: `s${id}`, title: `step ${index ?? ''}`.trim(), scope: id, mark: `step ${name}` };
  const title = type === undefined ? name : `${name} · ${type}`;
  return { kind, label: `s${id}`, title, scope: id, mark: type ?? name };
}

function lineGroup(code: string[][], { span }: Op, known: Map<string, Group>): Group[] {
  if (!span) return [];
  const label = `l${span.source}:${span.line}`;
  if (!known.has(label)) {
    const text = code[span.source]?.[span.line - 1]?.replace(/^[ \t]+|[ \t\r]+$/g, '');
    known.set(label, { kind: 'line', label, title: text || `line ${span.line}` });
  }
  return [known.get(label)!];
}

// --- one level ---

function split(tape: Tape, level: Level, path: Path, limit: number): Cluster[] {
  const groups = level.ops.map((op): Group | undefined => path(op)[level.depth]);
  const folded = level.repeated ? groups : repeats(groups);
  const single = folded.filter((group) => !group).length;
  const labels = new Set(folded.flatMap((group) => group?.label ?? []));
  const fits = single + labels.size <= limit;
  return withoutCircles(tape, level.ops, gather(level, fits ? folded : ranges(level.ops, groups)));
}

/** Clusters by label; ops without a group stay alone. */
function gather({ key, ops }: Level, groups: (Group | undefined)[]): Cluster[] {
  const byLabel = new Map<string, Cluster>();
  ops.forEach((op, i) => {
    const group = groups[i];
    const name = group ? `${key}/${group.label}` : `o${op}`;
    const known = byLabel.get(name);
    if (known) known.ops.push(op);
    else byLabel.set(name, { key: name, ops: [op], ...(group && { group }) });
  });
  return [...byLabel.values()];
}

/** Consecutive siblings that are alike as one group `title ×n`. */
function repeats(groups: (Group | undefined)[]): (Group | undefined)[] {
  const out = groups.slice();
  let start = 0;
  const close = (end: number): void => {
    const first = groups[start];
    const members = new Set(groups.slice(start, end).map((group) => group?.label));
    if (!first?.mark || members.size < REPEATS) return;
    const { kind, label, title, mark } = first;
    const name = kind === 'step' ? 'step' : (title.split(' · ')[1] ?? mark);
    const all: Group = { kind: 'repeat', label: `${label}×${members.size}`, title: `${name} ×${members.size}` };
    out.fill(all, start, end);
  };
  groups.forEach((group, i) => {
    if (group?.mark !== undefined && group.mark === groups[start]?.mark) return;
    close(i);
    start = i;
  });
  close(groups.length);
  return out;
}

/** The last resort for a level that is too large: stretches of the tape, cut where the label changes. */
function ranges(ops: number[], groups: (Group | undefined)[]): Group[] {
  const starts = ops.flatMap((_, i) => (groups[i] && groups[i]!.label === groups[i - 1]?.label ? [] : [i]));
  const length = Math.ceil(starts.length / RANGES);
  const cuts = starts.filter((_, n) => n % length === 0);
  return cuts.flatMap((start, n) => {
    const last = (cuts[n + 1] ?? ops.length) - 1;
    const title = `${groups[start]?.title ?? `op ${ops[start]}`} … ${groups[last]?.title ?? `op ${ops[last]}`}`;
    const range: Group = { kind: 'range', label: `${ops[start]}-${ops[last]}`, title };
    return Array<Group>(last - start + 1).fill(range);
  });
}

/** Splits groups that lie on a circle into runs of consecutive ops. See NOTE [Folding without circles]. */
function withoutCircles(tape: Tape, ops: number[], clusters: Cluster[]): Cluster[] {
  const owner = new Map<number, number>();
  clusters.forEach((cluster, i) => cluster.ops.forEach((op) => owner.set(op, i)));
  const edges: [from: number, to: number][] = [];
  for (const op of ops)
    for (const input of tape.ops[op]!.inputs) {
      const [from, to] = [owner.get(tape.values[input]!.op ?? -1), owner.get(op)!];
      if (from !== undefined && from !== to) edges.push([from, to]);
    }
  const circular = peel(clusters.length, edges);
  if (!circular.size) return clusters;
  const whole = clusters.filter((_, i) => !circular.has(i));
  return [...whole, ...runs(ops, owner, clusters).filter(([i]) => circular.has(i)).map(([, run]) => run)];
}

/** What is left when sources, then sinks, are taken away until there are none: everything on or between circles. */
function peel(count: number, edges: [number, number][]): Set<number> {
  const forward = unpeeled(new Set(Array(count).keys()), edges);
  const backward = edges.map(([from, to]): [number, number] => [to, from]);
  return forward.size ? unpeeled(forward, backward) : forward;
}

function unpeeled(left: Set<number>, edges: [number, number][]): Set<number> {
  const targets = new Map<number, number[]>();
  const waits = new Map<number, number>();
  for (const [from, to] of edges) {
    if (!left.has(from) || !left.has(to)) continue;
    if (!targets.has(from)) targets.set(from, []);
    targets.get(from)!.push(to);
    waits.set(to, (waits.get(to) ?? 0) + 1);
  }
  const ready = [...left].filter((i) => !waits.get(i));
  const rest = new Set(left);
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    rest.delete(i);
    for (const to of targets.get(i) ?? []) {
      waits.set(to, waits.get(to)! - 1);
      if (waits.get(to) === 0) ready.push(to);
    }
  }
  return rest;
}

/** The stretches of consecutive ops of one cluster, each with its cluster's number. */
function runs(ops: number[], owner: Map<number, number>, clusters: Cluster[]): [number, Cluster][] {
  const out: [number, Cluster][] = [];
  let last = -1;
  for (const op of ops) {
    const i = owner.get(op)!;
    const { key, group } = clusters[i]!;
    if (i !== last) out.push([i, { key: group ? `${key}#${op}` : key, ops: [], ...(group && { group }) }]);
    out[out.length - 1]![1].ops.push(op);
    last = i;
  }
  return out;
}

// What each node and link shows at moment k: its state, its gradient and the doctor's badge.

import { label, look, type Look } from './colour';
import type { Diagram, Link, Node } from './diagram';
import type { Face } from './glyph';
import type { Faces, WireFace } from './scene';
import { describe } from './say';
import type { Known, Step, Timeline } from './timeline';
import type { Span, Tape, Value } from './validate';

/** Longer gradients are told by their size. */
const ROOM = 16;

interface Pill {
  pill?: string;
  waiting: boolean;
  stored?: boolean;
}

/** Which nodes stand for which ops and values, in one state of folding. */
export class Index {
  readonly #ops = new Map<number, Node>();
  readonly #values = new Map<number, Node>();
  readonly #links = new Map<string, Link>();

  constructor(
    readonly tape: Tape,
    readonly diagram: Diagram,
  ) {
    for (const node of diagram.nodes) {
      if (node.value !== undefined) this.#values.set(node.value, node);
      if (node.op !== undefined) this.#ops.set(node.op, node);
      for (const op of node.members ?? []) this.#ops.set(op, node);
    }
    for (const link of diagram.links) for (const { op, input } of link.flows) this.#links.set(`${op}:${input}`, link);
  }

  ofOp(op: number): Node | undefined {
    return this.#ops.get(op);
  }

  ofValue(id: number): Node | undefined {
    const { op } = this.tape.values[id]!;
    return this.#values.get(id) ?? (op === undefined ? undefined : this.#ops.get(op));
  }

  /** The link that a step's gradient travels on, where it is drawn. */
  link(step: Step | undefined): Link | undefined {
    return step?.event?.kind === 'flow' ? this.#links.get(`${step.event.op}:${step.event.input}`) : undefined;
  }

  /** The nodes that take part in a step, the receiving one first. */
  nodes({ event }: Step): Node[] {
    if (!event) return [];
    const found =
      event.kind === 'flow' ? [this.ofValue(event.target), this.ofOp(event.op)] : [this.ofValue(event.value)];
    return found.filter((node) => node !== undefined);
  }

  /** Whether a step shows: not inside a closed group, nor between nodes that are not drawn. */
  shows(step: Step): boolean {
    return step.event?.kind === 'flow' ? this.link(step) !== undefined : true;
  }
}

export class Painter implements Faces {
  /** The moment whose state is shown; while a pulse flies, the one before it. */
  k = 0;
  flying = false;
  index: Index;
  active = new Set<string>();
  activeLink: Link | undefined;
  /** The colour of the gradient of the step under way. */
  activeLook: Look | undefined;
  /** Code that somebody points at. */
  line: { source: number; line: number } | undefined;
  /** Nodes that somebody points at. */
  lit = new Set<string>();
  /** A single edge that somebody points at. */
  litLink: Link | undefined;
  readonly #badges = new Map<string, string>();

  constructor(
    readonly tape: Tape,
    readonly timeline: Timeline,
    index: Index,
  ) {
    this.index = index;
    this.reindex(index);
  }

  reindex(index: Index): void {
    this.index = index;
    this.#badges.clear();
    for (const { title, severity, values, ops } of this.tape.findings) {
      if (severity === 'note') continue;
      for (const node of [...values.map((id) => index.ofValue(id)), ...ops.map((id) => index.ofOp(id))])
        if (node) this.#badges.set(node.key, title);
    }
  }

  node(node: Node): Face {
    const known = this.#known(node);
    const { pill, waiting, stored } = this.#pill(node, known);
    return {
      label: this.#label(node),
      pill,
      look: this.look(node),
      hue: (this.look(node) ?? (this.active.has(node.key) ? this.activeLook : undefined))?.hue,
      waiting,
      stored: stored === true,
      freed: this.#freed(node),
      leftover: Boolean(known?.grad && known.leftover.length),
      active: this.active.has(node.key),
      lit: this.lit.has(node.key) || this.#onLine(node),
      badge: this.#badges.get(node.key),
    };
  }

  look(node: Node): Look | undefined {
    const known = this.#known(node);
    if (!known?.pass || !(known.gradient ?? known.grad)) return undefined;
    return look(shown(known), this.timeline.scale(known.pass));
  }

  wire(link: Link): WireFace {
    const flow = link.flows.map(({ op, input }) => this.timeline.flow(op, input, this.k)).find(Boolean);
    const active = link === this.activeLink;
    const pass = this.timeline.passAt(this.k) ?? this.tape.passes[0];
    return {
      look: active ? this.activeLook : flow && pass ? look(flow.contribution, this.timeline.scale(pass)) : undefined,
      active,
      lit: this.litLink ? link === this.litLink : this.lit.has(link.from) || this.lit.has(link.to),
    };
  }

  #known(node: Node): Known | undefined {
    return node.value === undefined ? undefined : this.timeline.at(node.value, this.k);
  }

  /** How many characters the pill of a node ever needs: its box is made wide enough for them. */
  room(node: Node): number {
    if (node.value === undefined) return 0;
    const moments = [this.timeline.at(node.value, this.timeline.length), this.timeline.at(node.value, 0)];
    return Math.max(...moments.map((known) => this.#text(node, known).pill?.length ?? 0));
  }

  #pill(node: Node, known: Known | undefined): Pill {
    const sum = this.#sum(node);
    return known ? (sum ? { pill: sum, waiting: false } : this.#text(node, known)) : { waiting: false };
  }

  #text({ value }: Node, known: Known): Pill {
    const leftover = known.leftover.length ? '↺ ' : '';
    if (known.grad && known.status !== 'received')
      return { pill: `${leftover}.grad ${label(known.grad, ROOM)}`, waiting: false, stored: true };
    const { gradient, arrival, arrivals } = known;
    const part = arrival < arrivals && known.status === 'received' ? ` ${arrival}/${arrivals}` : '';
    if (gradient) return { pill: `∇ ${label(gradient, ROOM)}${part}`, waiting: false };
    if (known.status === 'pending') return { pill: '∇', waiting: true };
    return { pill: atRest(this.tape.values[value!]!, this.timeline.length > 0), waiting: true };
  }

  /** While a further contribution is on its way, the sum that it makes. */
  #sum({ value }: Node): string | undefined {
    const event = this.timeline.steps[this.k]?.event;
    if (!this.flying || !event || event.kind === 'seed' || !event.before) return undefined;
    if (value !== (event.kind === 'flow' ? event.target : event.value)) return undefined;
    const [before, more] = [label(event.before, ROOM), label(event.contribution, ROOM)];
    return before.length + more.length < 2 * ROOM ? `${before} += ${more}` : undefined;
  }

  #freed({ op, members }: Node): boolean {
    const ops = members ?? (op === undefined ? [] : [op]);
    return ops.length > 0 && ops.every((id) => this.timeline.isFreed(id, this.k));
  }

  #label(node: Node): string {
    if (node.kind === 'group') return `group ${node.title}, ${node.lines.join(', ')}. Enter opens it.`;
    const badge = this.#badges.get(node.key);
    const text = node.value === undefined ? node.title : describe(this.tape, this.timeline, node.value, this.k);
    return badge ? `${text}. Warning: ${badge}` : text;
  }

  #onLine(node: Node): boolean {
    const { line } = this;
    if (!line) return false;
    const span = node.span ?? (node.op === undefined ? undefined : this.tape.ops[node.op]!.span);
    return span !== undefined && covers(span, line.source, line.line);
  }
}

export function covers(span: Pick<Span, 'source' | 'line' | 'end_line'>, source: number, line: number): boolean {
  return span.source === source && span.line <= line && line <= span.end_line;
}

/** A leaf shows what is stored in it; everything else, what reached it. */
function shown(known: Known) {
  return known.grad && known.status !== 'received' ? known.grad : known.gradient;
}

/** The pill of a value that no pass touches. */
function atRest(value: Value, played: boolean): string | undefined {
  if (value.kind !== 'leaf' || !value.requires_grad) return undefined;
  return value.grad || played ? `.grad ${label(value.grad, ROOM)}` : undefined;
}

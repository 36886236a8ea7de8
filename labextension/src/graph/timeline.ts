// The backward passes as numbered steps; what is known at step k is a pure function of k.

import { rms, scalar } from './format';
import type { Accumulate, Contribution, Flow, Pass, Seed, Summary, Tape } from './validate';

/** One thing that happens. Step k leads from moment k - 1 to moment k. */
export interface Step {
  pass: Pass;
  /** What happened; nothing where the pass broke off with an error. */
  event?: Seed | Flow | Accumulate;
  /** Ops that let go of what they had saved, right after. */
  freed: number[];
}

type Status = 'idle' | 'pending' | 'seeded' | 'received' | 'done';

/** What is known of one value at one moment. */
export interface Known {
  status: Status;
  /** What has reached the value in the pass under way, or in the last one that came by. */
  gradient?: Summary;
  arrival: number;
  arrivals: number;
  /** For a leaf, what `.grad` holds. */
  grad?: Summary;
  /** Where the part of `.grad` comes from that earlier passes left there. */
  leftover: Contribution[];
  /** The pass in question. */
  pass?: Pass;
}

const IDLE: Known = { status: 'idle', arrival: 0, arrivals: 0, leftover: [] };

export class Timeline {
  readonly steps: Step[] = [];
  /** Per pass that has steps, the moment before its first one. */
  readonly starts: { pass: Pass; at: number }[] = [];
  readonly #histories = new Map<number, { at: number; known: Known }[]>();
  readonly #freed = new Map<number, number>();
  readonly #flows = new Map<string, number[]>();
  readonly #scales = new Map<Pass, Scale>();

  constructor(tape: Tape) {
    for (const pass of tape.passes) {
      const start = this.steps.length;
      const steps = stepsOf(pass);
      if (steps.length === 0) continue;
      this.starts.push({ pass, at: start });
      this.steps.push(...steps);
      this.#open(pass, steps, start);
      this.#follow(tape, steps, start);
    }
  }

  get length(): number {
    return this.steps.length;
  }

  /** What is known of a value after step k. */
  at(value: number, k: number): Known {
    const history = this.#histories.get(value) ?? [];
    let [low, high] = [0, history.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (history[middle]!.at <= k) low = middle + 1;
      else high = middle;
    }
    return history[low - 1]?.known ?? IDLE;
  }

  /** The last gradient that went along an edge by moment k, unless the pass under way is about to send another. */
  flow(op: number, input: number, k: number): Flow | undefined {
    const times = this.#flows.get(`${op}:${input}`) ?? [];
    const at = times.findLast((time) => time <= k);
    const next = times.find((time) => time > k);
    if (at === undefined || (next !== undefined && this.steps[next - 1]!.pass === this.passAt(k))) return undefined;
    return this.steps[at - 1]!.event as Flow;
  }

  /** Whether any op lets go of what it had saved. */
  get frees(): boolean {
    return this.#freed.size > 0;
  }

  /** Whether an op has let go of what it had saved. */
  isFreed(op: number, k: number): boolean {
    return k >= (this.#freed.get(op) ?? Infinity);
  }

  /** The pass that step k belongs to; before the first step, the first pass. */
  passAt(k: number): Pass | undefined {
    return this.steps[Math.max(0, k - 1)]?.pass;
  }

  /** The first moment at which a value's gradient is complete. */
  arrival(value: number): number | undefined {
    return this.#histories
      .get(value)
      ?.find(({ known: { gradient, arrival, arrivals } }) => gradient && arrival >= arrivals)?.at;
  }

  /** The sizes that colours of this pass are measured against. */
  scale(pass: Pass): Scale {
    let scale = this.#scales.get(pass);
    if (!scale) this.#scales.set(pass, (scale = scaleOf(pass)));
    return scale;
  }

  /** Every value that this pass touches is waiting again, and `.grad` holds what earlier passes left. */
  #open(pass: Pass, steps: Step[], start: number): void {
    const waiting = new Map<number, Known>();
    for (const { event } of steps) {
      if (!event) continue;
      const value = event.kind === 'flow' ? event.target : event.value;
      const known = waiting.get(value) ?? { ...IDLE, status: 'pending', pass };
      if (event.kind === 'flow') known.arrivals = event.arrivals;
      if (event.kind === 'accumulate') Object.assign(known, { grad: event.before, leftover: event.earlier });
      waiting.set(value, known);
    }
    for (const [value, known] of waiting) this.#note(value, this.#histories.has(value) ? start + 1 : 0, known);
  }

  #follow(tape: Tape, steps: Step[], start: number): void {
    const last = new Map(steps.map(({ event }, i) => [event?.kind === 'flow' ? event.op : -1, i]));
    steps.forEach(({ event, freed }, i) => {
      const at = start + i + 1;
      if (event) this.#apply(event, at);
      if (event?.kind === 'flow' && last.get(event.op) === i)
        for (const value of tape.ops[event.op]!.outputs)
          if (this.at(value, at).gradient) this.#note(value, at, { ...this.at(value, at), status: 'done' });
      for (const op of freed) if (!this.#freed.has(op)) this.#freed.set(op, at);
    });
  }

  #apply(event: Seed | Flow | Accumulate, at: number): void {
    const value = event.kind === 'flow' ? event.target : event.value;
    const known = this.at(value, at);
    if (event.kind === 'flow') {
      const key = `${event.op}:${event.input}`;
      this.#flows.set(key, [...(this.#flows.get(key) ?? []), at]);
    }
    if (event.kind === 'seed') this.#note(value, at, { ...known, status: 'seeded', gradient: event.gradient });
    else if (event.kind === 'flow')
      this.#note(value, at, { ...known, status: 'received', gradient: event.after, arrival: event.arrival });
    else this.#note(value, at, { ...known, status: 'done', grad: event.after, gradient: event.contribution });
  }

  #note(value: number, at: number, known: Known): void {
    const history = this.#histories.get(value);
    if (!history) this.#histories.set(value, [{ at, known }]);
    else if (history.at(-1)!.at === at) history.at(-1)!.known = known;
    else history.push({ at, known });
  }
}

/** The largest scalar and the range of tensor sizes of a pass. */
export interface Scale {
  scalar: number;
  tensor: number;
}

function scaleOf(pass: Pass): Scale {
  const scale = { scalar: 0, tensor: 0 };
  for (const event of pass.events) {
    if (event.kind === 'free') continue;
    const tensor = event.kind === 'seed' ? event.gradient : event.after;
    const size = rms(tensor);
    if (size === undefined) continue;
    const kind = scalar(tensor) === undefined ? 'tensor' : 'scalar';
    scale[kind] = Math.max(scale[kind], size);
  }
  return scale;
}

/** Freeing is no step of its own: it belongs to the event before it. */
function stepsOf(pass: Pass): Step[] {
  const steps: Step[] = [];
  const early: number[] = [];
  for (const event of pass.events) {
    if (event.kind !== 'free') steps.push({ pass, event, freed: [] });
    else (steps.at(-1)?.freed ?? early).push(...event.ops);
  }
  steps[0]?.freed.unshift(...early);
  if (pass.error !== undefined) steps.push({ pass, freed: [] });
  return steps;
}

// Everything about one node: where it comes from, its value, its gradient and what its `.grad` is made of.

import { sources } from './card';
import { h, s, type Child } from './dom';
import { count, nested, number, plural, shape } from './format';
import { lineOf, nameOf, place } from './say';
import { readable } from './tex';
import type { Timeline } from './timeline';
import type { Num, Op, Summary, Tape } from './validate';

const BINS = 16;
const SHOWN_SOURCES = 12;

export interface Actions {
  close(): void;
  seek(k: number): void;
}

export class DetailsPanel {
  readonly element = h('aside', { class: 'details', 'data-role': 'details', 'aria-label': 'Details', hidden: true });
  #value: number | undefined;

  constructor(
    readonly tape: Tape,
    readonly timeline: Timeline,
    readonly actions: Actions,
  ) {}

  show(value: number, k: number): void {
    this.#value = value;
    this.element.hidden = false;
    this.element.scrollTop = 0;
    this.update(k);
  }

  update(k: number): void {
    if (this.#value === undefined) return;
    const top = this.element.scrollTop;
    this.element.replaceChildren(
      ...this.#content(this.#value, k).filter((child) => child !== undefined && child !== false),
    );
    this.element.scrollTop = top;
  }

  /** Whether there was anything to close. */
  close(): boolean {
    const open = this.#value !== undefined;
    this.#value = undefined;
    this.element.hidden = true;
    return open;
  }

  #content(id: number, k: number): Child[] {
    const { tape, timeline, actions } = this;
    const value = tape.values[id]!;
    const op = value.op === undefined ? undefined : tape.ops[value.op];
    const known = timeline.at(id, k);
    const complete = timeline.arrival(id);
    return [
      h(
        'header',
        {},
        nameOf(tape, id),
        h('button', { 'aria-label': 'Close details', onclick: () => actions.close() }, '✕'),
      ),
      facts(tape, id, op),
      ...(op ? rules(tape, op) : []),
      ...tensor('Value', value.data),
      ...tensor(
        `Gradient ∇${known.arrival < known.arrivals ? ` so far, ${known.arrival} of ${known.arrivals}` : ''}`,
        known.gradient,
      ),
      !known.gradient && timeline.length > 0 && h('p', {}, absent(known.status)),
      ...tensor('.grad', known.grad),
      ...madeOf(tape, id, k === timeline.length),
      complete !== undefined &&
        complete !== k &&
        h('button', { class: 'more', onclick: () => actions.seek(complete) }, 'Go to where its gradient is complete'),
    ];
  }
}

function absent(status: string): string {
  return status === 'idle' ? 'No gradient reaches it in this pass.' : 'Its gradient has not arrived yet.';
}

function facts(tape: Tape, id: number, op: Op | undefined): HTMLElement {
  const value = tape.values[id]!;
  const line = op?.span && lineOf(tape, op.span)?.trim();
  const rows: [string, string | undefined | false][] = [
    ['kind', op ? `op ${op.name}${op.in_place ? ', in place' : ''}` : value.kind],
    ['backward', op && (op.node ?? 'not recorded')],
    ['shape', shape(value.shape)],
    ['dtype', `${value.dtype}${value.device === 'cpu' ? '' : ` on ${value.device}`}`],
    ['requires grad', value.requires_grad ? 'yes' : 'no'],
    ['view of', value.base !== undefined && nameOf(tape, value.base)],
    [
      'options',
      op &&
        Object.entries(op.params)
          .map(([key, text]) => `${key}=${text}`)
          .join(', '),
    ],
    ['saved', op && op.saved.join(', ')],
    ['in', op && inside(tape, op.scope)],
    [place(tape, op?.span) ?? '', line],
  ];
  return h('dl', {}, ...rows.flatMap(([name, text]) => (text ? [h('dt', {}, name), h('dd', {}, text)] : [])));
}

/** The scopes around an op, outermost first. */
export function inside(tape: Tape, scope: number | undefined): string {
  const names: string[] = [];
  for (let at = scope; at !== undefined; at = tape.scopes[at]!.parent) {
    const { kind, name, index, type } = tape.scopes[at]!;
    names.unshift(kind === 'step' ? `step ${index ?? '?'}` : type ? `${name} (${type})` : name);
  }
  return names.join(' › ');
}

function rules(tape: Tape, op: Op): Child[] {
  const rows = op.inputs.flatMap((input, i) => {
    const tex = op.local[i];
    return tex ? [h('dt', {}, `∂/∂ ${nameOf(tape, input)}`), h('dd', {}, readable(tex))] : [];
  });
  return rows.length ? [h('h4', {}, 'Local derivatives'), h('dl', {}, ...rows)] : [];
}

function tensor(title: string, summary: Summary | undefined): Child[] {
  if (!summary) return [];
  const { data } = summary;
  const content =
    data && count(summary.shape) === data.length
      ? [grid(data, summary.shape)]
      : [figures(summary), ...histogram(summary)];
  return [h('h4', {}, `${title}, ${shape(summary.shape)}`), ...content];
}

/** Rows of numbers stand under each other. */
function grid(data: Num[], dims: number[]): HTMLElement {
  const width = dims.length > 1 ? Math.max(...data.map((x) => number(x).length)) : 0;
  const text = nested(data, dims, (x) => number(x).padStart(width));
  return h('pre', { class: 'grid' }, text.replaceAll('], [', '],\n ['));
}

function figures(summary: Summary): HTMLElement {
  const { min, max, mean, std, norm, zeros = 0, nans = 0, infs = 0, sampled } = summary;
  const size = count(summary.shape);
  const rows: [string, string | false][] = [
    ['elements', size.toLocaleString('en')],
    ['min … max', min !== undefined && `${number(min)} … ${number(max)}`],
    ['mean ± std', mean !== undefined && `${number(mean)} ± ${number(std)}`],
    ['norm', norm !== undefined && number(norm)],
    ['zeros', size > 0 && `${number((100 * zeros) / size)} %`],
    ['not finite', nans + infs > 0 && `${plural(nans, 'NaN')}, ${plural(infs, 'infinity', 'infinities')}`],
    ['', sampled === true && 'bars from a sample'],
  ];
  return h('dl', {}, ...rows.flatMap(([name, text]) => (text ? [h('dt', {}, name), h('dd', {}, text)] : [])));
}

function histogram({ histogram: counts, min, max }: Summary): Child[] {
  if (!counts?.length) return [];
  const bins = counts.slice(0, BINS);
  const top = Math.max(1, ...bins);
  const bars = bins.map((n, i) =>
    s('rect', { x: i * 10 + 0.5, width: 9, y: 40 - (38 * n) / top, height: (38 * n) / top + 1 }),
  );
  const label = `Histogram of ${BINS} bins from ${number(min)} to ${number(max)}: ${bins.join(', ')}`;
  const picture = s('svg', {
    class: 'bars',
    viewBox: `0 0 ${bins.length * 10} 41`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': label,
  });
  picture.append(...bars);
  return [picture, h('div', { class: 'axis' }, h('span', {}, number(min)), h('span', {}, number(max)))];
}

/** What a leaf's `.grad` is made of when the trace ends. */
function madeOf(tape: Tape, id: number, ended: boolean): Child[] {
  const ledger = ended ? tape.ledgers.find(({ value }) => value === id) : undefined;
  if (!ledger || ledger.contributions.length === 0) return [];
  const shown = ledger.contributions.slice(-SHOWN_SOURCES);
  const more = ledger.contributions.length - shown.length;
  return [
    h('h4', {}, '.grad is made of'),
    more > 0 && h('p', {}, `${plural(more, 'earlier one')}, and`),
    sources(shown),
  ];
}

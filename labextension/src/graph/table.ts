// The same content as a table: values with their gradients, and every step of the backward pass.

import { h, say, set, type Child } from './dom';
import { brief, number, shape } from './format';
import { nameOf, origin, place, rule, spanOf } from './say';
import type { Step, Timeline } from './timeline';
import type { Summary, Tape } from './validate';

const PAGE = 200;
const ROOM = 40;
/** A shape, a line: these do not wrap. */
const SHORT = 12;

export interface Hooks {
  seek(k: number): void;
  open(value: number): void;
}

interface Row {
  row: HTMLTableRowElement;
  /** The cells that change with time. */
  update(k: number): void;
}

export class TablePane {
  readonly element = h('div', {
    class: 'table-pane',
    'data-role': 'table',
    role: 'region',
    'aria-label': 'Table',
    tabindex: 0,
  });
  readonly #rows: Row[] = [];
  #k = 0;

  constructor(
    readonly tape: Tape,
    readonly timeline: Timeline,
    readonly hooks: Hooks,
  ) {
    const values = tape.values.map(
      ({ id }) =>
        () =>
          this.#value(id),
    );
    const steps = timeline.steps.map((step, i) => () => this.#step(step, i + 1));
    const figures = tape.steps.map((step) => () => this.#figures(step));
    this.#table('Values', ['What', 'Name', 'Line', 'Inputs', 'Shape', 'Value', 'Gradient ∇', '.grad', 'State'], values);
    this.#table(
      'Backward, step by step',
      ['Step', 'From', 'To', 'Upstream', 'Local', 'Contribution', 'Becomes', 'Line'],
      steps,
    );
    this.#table(
      'Updates',
      ['What', 'By', 'Line', '.grad was made of', 'Cleared before'],
      tape.updates.map((update) => () => this.#update(update)),
    );
    this.#table('Steps of the loop', ['Step', 'Ops', 'Gradient steps', 'Loss', 'Gradient norm'], figures);
  }

  update(k: number): void {
    this.#k = k;
    for (const row of this.#rows) row.update(k);
  }

  #table(title: string, heads: string[], make: (() => Row)[]): void {
    if (make.length === 0) return;
    const body = h('tbody');
    const more = h('button', { class: 'more', onclick: () => add() });
    let shown = 0;
    const add = () => {
      for (const build of make.slice(shown, (shown += PAGE))) {
        const row = build();
        row.update(this.#k);
        this.#rows.push(row);
        body.append(row.row);
      }
      more.hidden = shown >= make.length;
      say(more, `Show ${Math.min(PAGE, make.length - shown)} more of ${make.length}`);
    };
    const head = h('tr', {}, ...heads.map((text) => h('th', { scope: 'col' }, text)));
    this.element.append(h('table', {}, h('caption', {}, title), h('thead', {}, head), body), more);
    add();
  }

  #value(id: number): Row {
    const { tape, timeline } = this;
    const value = tape.values[id]!;
    const op = value.op === undefined ? undefined : tape.ops[value.op];
    const [gradient, grad, state] = [
      h('td', { class: 'n', 'data-role': 'table-grad' }),
      h('td', { class: 'n' }),
      h('td'),
    ];
    const row = h(
      'tr',
      { 'data-value': id, onclick: () => this.hooks.open(id) },
      h('th', { scope: 'row' }, op?.name ?? value.kind),
      ...cells([nameOf(tape, id), place(tape, op?.span), op?.inputs.map((input) => nameOf(tape, input)).join(', ')]),
      ...cells([shape(value.shape), value.data && brief(value.data, ROOM)], 'n'),
      gradient,
      grad,
      state,
    );
    const update = (k: number) => {
      const known = timeline.at(id, k);
      say(gradient, known.gradient ? brief(known.gradient, ROOM) : '');
      say(grad, known.grad ? brief(known.grad, ROOM) : '');
      set(grad, { class: known.leftover.length && known.grad ? 'n over' : 'n' });
      say(
        state,
        [known.status === 'idle' ? '' : known.status, op && timeline.isFreed(op.id, k) ? 'freed' : '']
          .filter(Boolean)
          .join(', '),
      );
    };
    return { row, update };
  }

  #step(step: Step, k: number): Row {
    const row = h(
      'tr',
      { onclick: () => this.hooks.seek(k) },
      h('th', { scope: 'row' }, String(k)),
      ...cells(stepCells(this.tape, step), 'n'),
      ...cells([place(this.tape, spanOf(this.tape, step))]),
    );
    return { row, update: (now) => set(row, { 'aria-current': now === k ? 'step' : undefined }) };
  }

  #update({ name, by, span, contributions, cleared }: Tape['updates'][number]): Row {
    const made = contributions.map((each) => `${brief(each.gradient, ROOM)} from ${origin(each)}`).join('; ');
    const row = h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      ...cells([by, place(this.tape, span), made || 'nothing', place(this.tape, cleared)]),
    );
    return { row, update: () => undefined };
  }

  #figures({ index, ops, events, loss, grad_norm }: Tape['steps'][number]): Row {
    const row = h(
      'tr',
      {},
      h('th', { scope: 'row' }, String(index)),
      ...cells([number(ops), number(events), number(loss), number(grad_norm)], 'n'),
    );
    return { row, update: () => undefined };
  }
}

function stepCells(tape: Tape, { event, pass }: Step): (string | undefined)[] {
  const text = (tensor: Summary | undefined) => tensor && brief(tensor, ROOM);
  if (!event) return [pass.error, '', '', '', '', ''];
  if (event.kind === 'seed')
    return ['start', nameOf(tape, event.value), '', '', text(event.gradient), text(event.gradient)];
  if (event.kind === 'accumulate') {
    const { value, before, contribution, after, earlier } = event;
    const from = earlier.length ? ` (left over from ${earlier.map(origin).join('; ')})` : '';
    const sum = before ? `${text(before)}${from} + ${text(contribution)} = ${text(after)}` : text(after);
    return ['this pass', `${nameOf(tape, value)}.grad`, '', '', text(contribution), sum];
  }
  const op = tape.ops[event.op]!;
  const becomes =
    event.arrivals > 1 ? `${text(event.after)} (${event.arrival} of ${event.arrivals})` : text(event.after);
  const local = text(event.local) ?? rule(op, event.input);
  return [
    op.name,
    nameOf(tape, event.target),
    text(event.upstream),
    local,
    [text(event.contribution), event.reduced].filter(Boolean).join(', '),
    becomes,
  ];
}

function cells(texts: (string | undefined)[], kind?: string): Child[] {
  return texts.map((text = '') => {
    const classes = [kind, text.length <= SHORT && 'short'].filter(Boolean).join(' ');
    return h('td', { class: classes || undefined }, text);
  });
}

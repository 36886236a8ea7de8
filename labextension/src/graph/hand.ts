// The passes written out by hand: plain Python whose lines light up with the player, and light up their nodes.

import { coloured, isInSight, scrollTo } from './code';
import { h, set } from './dom';
import { plural } from './format';
import { listing, type Line } from './listing';
import type { Timeline } from './timeline';
import type { Tape } from './validate';

const MAX_LINES = 10_000;

export interface Hooks {
  /** The pointer or the keyboard is on a line, or on none. */
  hover(line: Line | undefined): void;
  choose(line: Line): void;
}

export class HandPane {
  readonly #list = h('ol', { role: 'listbox', 'aria-label': 'The passes as Python' });
  readonly element = h('div', { class: 'code-pane hand', 'data-role': 'hand' }, this.#list);
  readonly #rows: { line: Line; row: HTMLElement }[] = [];
  #now: HTMLElement | undefined;
  /** The one line that the tabulator key reaches. */
  #stop: HTMLElement | undefined;

  constructor(
    readonly tape: Tape,
    readonly timeline: Timeline,
    readonly hooks: Hooks,
  ) {
    const lines = listing(tape);
    for (const line of lines.slice(0, MAX_LINES)) this.#list.append(this.#row(line));
    const more = lines.length - MAX_LINES;
    if (more > 0) this.#list.append(this.#row({ text: `# … ${plural(more, 'more line')}` }));
    if (this.#rows.length === 0) this.element.append(h('p', { class: 'empty' }, 'No tensor operation ran here.'));
    this.#halt(this.#rows[0]?.row);
    set(this.#list, { onkeydown: (event: KeyboardEvent) => this.#onKey(event) });
  }

  /** Lights up the line of a step; of none, it stays where it is. */
  point(step: number | undefined): void {
    if (this.#now) set(this.#now, { 'aria-selected': 'false' });
    this.#now?.classList.remove('now');
    this.#now = this.#rows.find(({ line }) => step !== undefined && line.step === step)?.row;
    if (!this.#now) return;
    set(this.#now, { 'aria-selected': 'true' });
    this.#now.classList.add('now');
    if (!this.#list.contains(this.#focused())) this.#halt(this.#now);
    scrollTo(this.element, this.#now);
  }

  /** Lights up what computes some ops, and what brings their gradients to some values. */
  light(ops: ReadonlySet<number>, values: ReadonlySet<number>): void {
    for (const { line, row } of this.#rows) row.classList.toggle('lit', this.#tellsOf(line, ops, values));
    const lit = this.#rows.filter(({ row }) => row.classList.contains('lit'));
    if (lit[0] && !lit.some(({ row }) => isInSight(this.element, row))) scrollTo(this.element, lit[0].row);
  }

  #tellsOf({ op, step }: Line, ops: ReadonlySet<number>, values: ReadonlySet<number>): boolean {
    if (op !== undefined) return ops.has(op);
    const event = step === undefined ? undefined : this.timeline.steps[step - 1]!.event;
    return event !== undefined && values.has(event.kind === 'flow' ? event.target : event.value);
  }

  /** Whether a leaf adds to a gradient that an earlier pass left there. */
  #isLeftOver({ step }: Line): boolean {
    const event = step === undefined ? undefined : this.timeline.steps[step - 1]!.event;
    return event?.kind === 'accumulate' && event.earlier.length > 0;
  }

  #row(line: Line): HTMLElement {
    const number = h('span', { class: 'no', 'aria-hidden': 'true' }, String(line.step ?? ''));
    const code = h('span', {}, ...coloured(line.text));
    const row = h('li', { role: 'presentation' }, number, code);
    if (line.op === undefined && line.step === undefined) return row;
    this.#rows.push({ line, row });
    if (this.#isLeftOver(line)) code.classList.add('over');
    set(row, {
      class: 'has-ops',
      role: 'option',
      'aria-selected': 'false',
      'data-op': line.op,
      'data-step': line.step,
      tabindex: -1,
      onmouseenter: () => this.hooks.hover(line),
      onmouseleave: () => this.hooks.hover(undefined),
      onfocus: () => this.hooks.hover(line),
      onblur: () => this.hooks.hover(undefined),
      onclick: () => this.#choose(line, row),
    });
    return row;
  }

  #choose(line: Line, row: HTMLElement): void {
    this.#halt(row);
    this.hooks.choose(line);
  }

  // --- keys ---

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const at = this.#rows.findIndex(({ row }) => row === event.target);
    const found = this.#rows[at];
    if (!found) return;
    const ways: Record<string, number> = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.#rows.length - 1 };
    if (event.key === 'Enter' || event.key === ' ') this.#choose(found.line, found.row);
    else if (event.key in ways) this.#focus(this.#rows[ways[event.key]!]?.row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #focus(row: HTMLElement | undefined): void {
    if (!row) return;
    this.#halt(row);
    row.focus({ preventScroll: true });
    scrollTo(this.element, row);
  }

  #halt(row: HTMLElement | undefined): void {
    if (this.#stop) set(this.#stop, { tabindex: -1 });
    if (row) set(row, { tabindex: 0 });
    this.#stop = row;
  }

  #focused(): Element | null {
    return (this.element.getRootNode() as ShadowRoot).activeElement ?? null;
  }
}

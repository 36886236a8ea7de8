// The card of the step under way: upstream × local = contribution, and every += with its numbers.

import type { Box } from './boxes';
import { lookOf } from './colour';
import { h, set, type Child } from './dom';
import { brief, isSmall, shape, sized } from './format';
import { prose } from './notes';
import { placeCard, type Size } from './place';
import { nameOf, origin, place, rule } from './say';
import type { Step, Timeline } from './timeline';
import type { Accumulate, Contribution, Finding, Flow, Seed, Summary, Tape } from './validate';

const ROOM = 30;

export class StepCard {
  readonly element = h('div', { class: 'card', 'data-role': 'card', hidden: true });

  constructor(
    readonly tape: Tape,
    readonly timeline: Timeline,
  ) {}

  show(step: Step | undefined): void {
    this.element.hidden = step === undefined;
    if (!step) return;
    const { hue } = lookOf(step, this.timeline);
    set(this.element, { class: `card hue-${hue} ${hasLeftover(step) ? 'over' : ''}` });
    this.element.replaceChildren(...content(this.tape, step).filter((child) => child !== undefined && child !== false));
  }

  /** Stands where it covers nothing: as wide as it likes, or narrow; says whether there is such a place. */
  place(window: Size, focus: Box[], others: Box[]): boolean {
    const { classList, style } = this.element;
    classList.remove('docked');
    for (const narrow of [false, true]) {
      classList.toggle('narrow', narrow);
      const size = { width: this.element.offsetWidth, height: this.element.offsetHeight };
      const at = placeCard(size, window, focus, others);
      if (at) {
        Object.assign(style, { left: `${Math.round(at[0])}px`, top: `${Math.round(at[1])}px` });
        return true;
      }
    }
    return false;
  }

  /** Stands below the picture; gives the height that it takes there. */
  dock(): number {
    this.element.classList.remove('narrow');
    this.element.classList.add('docked');
    Object.assign(this.element.style, { left: '', top: '' });
    return this.element.offsetHeight;
  }
}

function content(tape: Tape, step: Step): Child[] {
  const { event } = step;
  if (!event) return [header('The pass stops here'), row('row', step.pass.error ?? '')];
  if (event.kind === 'seed') return seedCard(tape, event);
  return event.kind === 'flow' ? flowCard(tape, event) : storeCard(tape, event);
}

/** Whether the step adds to a `.grad` that an earlier backward has left. */
function hasLeftover({ event }: Step): boolean {
  return event?.kind === 'accumulate' && event.before !== undefined && event.earlier.length > 0;
}

function seedCard(tape: Tape, { value, gradient }: Seed): Child[] {
  const name = nameOf(tape, value);
  return [header(`backward starts at ${name}`), equation(term(`∂ ${name} / ∂ ${name}`, text(gradient), 'result'))];
}

function flowCard(tape: Tape, flow: Flow): Child[] {
  const op = tape.ops[flow.op]!;
  const small = flow.local !== undefined && isSmall(flow.local, ROOM);
  const tex = rule(op, flow.input);
  const local = small ? brief(flow.local, ROOM) : (tex ?? (flow.local ? shape(flow.local.shape) : `∂${op.name}`));
  return [
    header(`${op.name} → ${nameOf(tape, flow.target)}`, place(tape, op.span)),
    equation(
      term('upstream', text(flow.upstream)),
      '×',
      term('local', local),
      '=',
      term('contribution', text(flow.contribution), 'result'),
    ),
    small && tex && tex !== local
      ? row(
          'row mini',
          `rule of ${op.name} for ${op.inputs.length > 1 ? `input ${flow.input + 1}` : 'its input'}: ${tex}`,
        )
      : undefined,
    flow.reduced ? row('row mini', `broadcast undone: ${flow.reduced}`) : undefined,
    flow.arrivals > 1 ? row('row sum', gathering(flow)) : undefined,
  ];
}

function gathering({ before, contribution, after, arrival, arrivals }: Flow): string {
  const turn = `(${arrival} of ${arrivals})`;
  return `${before ? sized(before, ROOM) : '0'} += ${sized(contribution, ROOM)} → ${sized(after, ROOM)} ${turn}`;
}

function storeCard(tape: Tape, event: Accumulate): Child[] {
  const { value, before, contribution, after, earlier } = event;
  const name = nameOf(tape, value);
  if (!before)
    return [header(`${name}.grad was empty`), equation('.grad', '=', term('this pass', text(after), 'result'))];
  return [
    header(`${name}.grad adds up`),
    equation(
      '.grad:',
      term(earlier.length ? '↺ left over' : 'before', text(before), earlier.length ? 'over' : ''),
      '+',
      term('this pass', text(contribution)),
      '=',
      term('total', text(after), 'result'),
    ),
    earlier.length > 0 && leftover(tape, event, name),
  ];
}

/** Where the old part came from, what to type, and how to say that it is meant. */
function leftover(tape: Tape, { value, earlier }: Accumulate, name: string): HTMLElement {
  const finding = tape.findings.find(({ code, values }) => code.startsWith('NB1') && values.includes(value));
  const meant = tape.grad_accum !== undefined;
  return h(
    'div',
    { class: 'left' },
    h('span', { class: 'icon', 'aria-hidden': 'true' }, '↺'),
    meant ? `Left over on purpose (grad-accum ${tape.grad_accum}):` : 'Left over from an earlier backward():',
    sources(earlier),
    ...(meant ? [] : advice(finding, name)),
  );
}

function advice(finding: Finding | undefined, name: string): Child[] {
  const [cure, label, words] = finding
    ? [finding.hint, 'To silence this: ', finding.mute]
    : [`\`${name}.grad = None\``, 'If it is meant: ', '%%autograd --grad-accum 2'];
  return [h('div', { class: 'row' }, 'Try: ', ...prose(cure)), h('div', { class: 'row' }, label, h('code', {}, words))];
}

export function sources(contributions: Contribution[]): HTMLElement {
  return h('ul', {}, ...contributions.map((c) => h('li', {}, h('b', {}, text(c.gradient)), ` from ${origin(c)}`)));
}

function text(tensor: Summary): string {
  return brief(tensor, ROOM);
}

function header(title: string, where?: string): HTMLElement {
  return h('div', { class: 'head' }, h('b', {}, title), where && h('span', {}, where));
}

/** Terms and signs in one line, with blanks between, so that it also reads well as text. */
function equation(...parts: Child[]): HTMLElement {
  return h(
    'div',
    { class: 'equation' },
    ...parts.flatMap((part) => (typeof part === 'string' ? [h('span', {}, part), ' '] : [part, ' '])),
  );
}

function term(name: string, value: string, kind = ''): HTMLElement {
  return h('span', { class: `term ${kind}` }, h('small', {}, name), ' ', h('b', {}, value));
}

function row(kind: string, content: string): HTMLElement {
  return h('div', { class: kind }, content);
}

// The mounted view: roles, player, keyboard and fallback, seen through the DOM as a host and a reader see it.

import { afterEach, expect, test, vi } from 'vitest';
import { mount, type View, type ViewOptions } from '../../src/graph';
import type { Trace } from '../../src/graph/schema';
import { goldens } from './golden';
import { chain, fanOut, product } from './traces';

let view: View;
afterEach(() => view.dispose());

function open(trace: unknown, options: ViewOptions = {}) {
  const host = document.createElement('div');
  document.body.append(host);
  view = mount(host, trace, { animate: false, ...options });
  return view.element.shadowRoot!;
}

const role = <E extends HTMLElement>(root: ShadowRoot, name: string) => root.querySelector<E>(`[data-role="${name}"]`)!;
const all = (root: ShadowRoot, name: string) => [...root.querySelectorAll<HTMLElement>(`[data-role="${name}"]`)];
const grad = (root: ShadowRoot, value: number) =>
  root.querySelector(`[data-role="node"][data-value="${value}"] [data-role="grad"]`)!.textContent;
const press = (target: Element, key: string, more: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true, ...more }));
const finding = (more: object) => ({
  code: 'NB101',
  severity: 'warning',
  title: 't',
  message: 'm',
  hint: 'h',
  mute: 'q',
  ...more,
});

test('a view opens at the end, with every gradient in place', () => {
  const root = open(product().trace);
  expect([0, 1, 2, 3].map((id) => grad(root, id))).toEqual(['.grad [3, -1]', '.grad [1, 2]', '∇ [1, 1]', '∇ 1']);
  expect(role(root, 'card').hidden).toBe(true);
});

test('stepping brings the gradients one by one, each with its card and sentence', () => {
  const root = open(product().trace, { start: 'step' });
  expect([0, 1, 2, 3].map((id) => grad(root, id))).toEqual(['∇', '∇', '∇', '∇']);
  for (let i = 0; i < 3; i++) role(root, 'step').click();
  expect([0, 1, 2, 3].map((id) => grad(root, id))).toEqual(['∇ [3, -1]', '∇', '∇ [1, 1]', '∇ 1']);
  expect(role(root, 'card').textContent).toContain('upstream [1, 1] × local [3, -1] = contribution [3, -1]');
  expect(role(root, 'live').textContent).toMatch(/^Step 3 of 6: at line 3, mul passes \[3, -1\] to x/);
  role(root, 'back').click();
  expect(grad(root, 0)).toBe('∇');
});

test('the slider goes to any step, the buttons to both ends', () => {
  const root = open(fanOut().trace);
  const slider = role<HTMLInputElement>(root, 'scrub');
  slider.value = '1';
  slider.dispatchEvent(new Event('input'));
  expect(role(root, 'live').textContent).toContain('Step 1 of 10');
  role(root, 'last').click();
  expect(grad(root, 0)).toBe('.grad -0.8553');
  role(root, 'first').click();
  expect(grad(root, 0)).toBe('∇');
  expect(slider.value).toBe('0');
});

test('the next accumulation shows the sum', () => {
  const root = open(fanOut().trace, { start: 'step' });
  role(root, 'next-sum').click();
  expect(role(root, 'card').textContent).toContain('-0.4621 += 0.3932 → -0.06889 (2 of 3)');
  expect(grad(root, 0)).toBe('∇ -0.06889 2/3');
});

test('play runs to the end and stops', () => {
  vi.useFakeTimers();
  const root = open(product().trace, { start: 'play' });
  expect(role(root, 'play').getAttribute('aria-label')).toBe('Pause');
  vi.runAllTimers();
  vi.useRealTimers();
  expect(grad(root, 0)).toBe('.grad [3, -1]');
  expect(role(root, 'play').getAttribute('aria-label')).toBe('Play');
});

test('a left-over .grad is amber, with old + new = total, its origin, the cure and the mute line', () => {
  const trace = {
    ...product(2).trace,
    findings: [
      finding({ title: 'x.grad holds two runs', hint: 'add `x.grad = None` first', mute: '%%autograd --mute NB101', values: [0] }),
    ],
  };
  const root = open(trace);
  expect(role(root, 'finding').textContent).toContain('x.grad holds two runs');
  expect(role(root, 'finding').textContent).toContain('Try: add x.grad = None first');
  expect(grad(root, 0)).toBe('↺ .grad [6, -2]');
  const node = root.querySelector('[data-role="node"][data-value="0"]')!;
  expect(node.getAttribute('class')).toContain('over');
  expect(node.querySelector('.badge title')!.textContent).toBe('x.grad holds two runs');
  role(root, 'back').click();
  const card = role(root, 'card').textContent;
  for (const part of [
    '.grad: ↺ left over [3, -1] + this pass [3, -1] = total [6, -2]',
    'from In [3], run 1, line 4',
    'x.grad = None',
    '--mute NB101',
  ])
    expect(card).toContain(part);
});

test('keys play, step, jump and change the speed', () => {
  const root = open(product().trace, { start: 'step' });
  const card = root.querySelector('.root')!;
  press(card, 'ArrowRight');
  press(card, 'ArrowRight');
  press(card, 'ArrowLeft');
  expect(role(root, 'live').textContent).toContain('Step 1 of 6');
  press(card, 'End');
  expect(role(root, 'live').textContent).toContain('Step 6 of 6');
  press(card, ']');
  expect(role<HTMLSelectElement>(root, 'speed').value).toBe('2');
  expect(press(card, 'Home')).toBe(false);
  expect(press(card, 'q')).toBe(true);
  expect(press(card, 's', { ctrlKey: true })).toBe(true);
});

test('the scene is one tab stop whose arrows follow the edges; Enter opens, Escape closes', () => {
  const root = open(product().trace);
  expect(all(root, 'node').filter((node) => node.getAttribute('tabindex') === '0')).toHaveLength(1);
  const focused = () => root.activeElement!.getAttribute('data-value');
  root.querySelector<HTMLElement>('[data-role="node"][tabindex="0"]')!.focus();
  expect(focused()).toBe('3');
  const walk = [];
  for (const key of ['ArrowUp', 'ArrowUp', 'ArrowRight', 'ArrowDown']) {
    press(root.activeElement!, key);
    walk.push(focused());
  }
  expect(walk).toEqual(['2', '0', '1', '2']);
  press(root.activeElement!, 'Enter');
  expect(role(root, 'details').hidden).toBe(false);
  expect(role(root, 'details').textContent).toContain('MulBackward0');
  press(root.activeElement!, 'Escape');
  expect(role(root, 'details').hidden).toBe(true);
  expect(focused()).toBe('2');
});

test('a node tells its line, and a line lights up its nodes', () => {
  const told: unknown[] = [];
  const root = open(product().trace, { onHoverSpan: (span) => told.push(span) });
  const node = root.querySelector('[data-role="node"][data-value="2"]')!;
  node.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
  root.querySelector('svg.scene')!.dispatchEvent(new PointerEvent('pointerleave'));
  expect(told).toEqual([{ source: 0, line: 3, endLine: 3 }, null]);
  const lit = () =>
    all(root, 'node')
      .filter((n) => n.getAttribute('class')!.includes(' lit'))
      .map((n) => n.dataset['value'] ?? n.getAttribute('data-value'));
  view.highlightLine(0, 3);
  expect(lit()).toEqual(['2', '3']);
  view.highlightLine(0, null);
  expect(lit()).toEqual([]);
});

test('Enter opens a group, Backspace closes it, and the focus stays with it', () => {
  const root = open(chain(400).trace);
  const groups = () => all(root, 'node').filter((node) => node.getAttribute('data-kind') === 'group');
  const group = groups().at(-1)!;
  const key = group.getAttribute('data-key');
  group.focus();
  press(group, 'Enter');
  expect(role(root, 'crumb').textContent).toMatch(/^▾ op /);
  expect(root.activeElement!.getAttribute('data-kind')).toBe('op');
  press(root.activeElement!, 'Backspace');
  expect(role(root, 'crumb')).toBeNull();
  expect(root.activeElement!.getAttribute('data-key')).toBe(key);
});

test('hatching is explained beside the picture and on the node, where something is freed', () => {
  const root = open(product().trace, { start: 'step' });
  const tip = () => root.querySelector('[data-role="node"][data-value="2"] > title')!.textContent;
  expect([role(root, 'legend').textContent, tip()]).toEqual(['hatched: its saved values were freed by backward', '']);
  role(root, 'last').click();
  expect(tip()).toBe('its saved values were freed by backward');
  view.dispose();
  expect(role(open({ ...product().trace, passes: [] }), 'legend')).toBeNull();
});

test('steps inside a closed group are passed over', () => {
  const root = open(chain(400).trace, { start: 'step' });
  role(root, 'step').click();
  role(root, 'step').click();
  expect(role(root, 'live').textContent).toMatch(/^Step (?!2 )\d+ of 402/);
});

test('the table holds the same content in real tables', () => {
  const root = open(product(2).trace, { view: 'table' });
  const tables = [...root.querySelectorAll('table')];
  expect(tables.map((table) => table.querySelector('caption')!.textContent)).toEqual([
    'Values',
    'Backward, step by step',
  ]);
  expect(tables[0]!.textContent).toContain('[6, -2]');
  expect(tables[1]!.querySelectorAll('tbody tr')).toHaveLength(6);
  tables[1]!.querySelectorAll<HTMLElement>('tbody tr')[1]!.click();
  expect(tables[1]!.querySelectorAll('[aria-current]')).toHaveLength(1);
  expect(all(root, 'table-grad').map((cell) => cell.textContent)).toEqual(['', '', '[1, 1]', '1']);
});

test('the code tab marks the code of the step under way', () => {
  const root = open(product().trace, { view: 'code', start: 'step' });
  for (let i = 0; i < 3; i++) role(root, 'step').click();
  expect(root.querySelector('li.now')!.getAttribute('data-line')).toBe('3');
  expect(root.querySelector('mark')!.textContent).toBe('x * w');
});

const written = (root: ShadowRoot, of: string) => root.querySelector<HTMLElement>(`[data-role="hand"] li${of}`)!;

test('the passes written by hand: the line under way is marked, and a line goes to its step', () => {
  const root = open(product(2).trace, { view: 'hand', start: 'step' });
  for (let i = 0; i < 3; i++) role(root, 'step').click();
  expect(written(root, '.now').dataset['step']).toBe('3');
  expect(written(root, '.now').getAttribute('aria-selected')).toBe('true');
  written(root, '[data-step="5"]').click();
  expect(role(root, 'live').textContent).toContain('Step 5 of 6');
  expect(all(root, 'hand')[0]!.querySelectorAll('.now')).toHaveLength(1);
  expect(written(root, '[data-step="5"] .over').textContent).toMatch(/^x\.grad \+= d_x/);
});

test('a view at rest marks no line, and its last line leads to the last step all the same', () => {
  const root = open(product().trace, { view: 'hand' });
  expect(written(root, '.now')).toBeNull();
  written(root, '[data-step="6"]').click();
  expect(written(root, '.now').dataset['step']).toBe('6');
});

test('a line written by hand lights its node or its edge, and a node its lines', () => {
  const told: unknown[] = [];
  const root = open(product().trace, { view: 'hand', onHoverSpan: (span) => told.push(span) });
  const lit = (name: string) => all(root, name).filter((each) => each.getAttribute('class')!.includes(' lit'));
  written(root, '[data-op="0"]').dispatchEvent(new MouseEvent('mouseenter'));
  expect(lit('node').map((node) => node.getAttribute('data-value'))).toEqual(['2']);
  written(root, '[data-op="0"]').dispatchEvent(new MouseEvent('mouseleave'));
  written(root, '[data-step="3"]').dispatchEvent(new MouseEvent('mouseenter'));
  expect(lit('node').map((node) => node.getAttribute('data-value'))).toEqual(['0', '2']);
  expect(root.querySelectorAll('.link.lit')).toHaveLength(1);
  written(root, '[data-step="3"]').dispatchEvent(new MouseEvent('mouseleave'));
  expect([lit('node').length, told.at(-1)]).toEqual([0, null]);
  const node = root.querySelector('[data-role="node"][data-value="2"]')!;
  node.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
  const lines = [...root.querySelectorAll<HTMLElement>('[data-role="hand"] li.lit')];
  expect(lines.map(({ dataset }) => dataset['op'] ?? `step ${dataset['step']}`)).toEqual(['0', 'step 2']);
});

test('the lines written by hand are one tab stop; arrows walk, Enter goes to the step', () => {
  const root = open(product().trace, { view: 'hand', start: 'step' });
  const stops = () => [...root.querySelectorAll<HTMLElement>('[data-role="hand"] li[tabindex="0"]')];
  expect(stops().map(({ dataset }) => dataset['op'])).toEqual(['0']);
  stops()[0]!.focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp']) press(root.activeElement!, key);
  expect((root.activeElement as HTMLElement).dataset['step']).toBe('1');
  press(root.activeElement!, 'End');
  press(root.activeElement!, 'Enter');
  expect(role(root, 'live').textContent).toContain('Step 6 of 6');
  expect(stops()).toEqual([root.activeElement]);
  press(root.activeElement!, 'ArrowLeft');
  expect(role(root, 'live').textContent).toContain('Step 5 of 6');
});

test('what was folded and why the cell stopped is said plainly', () => {
  const trace = {
    ...product().trace,
    error: 'ValueError: no',
    folds: [
      { what: 'steps', count: 9980, why: 'the loop is long' },
      { what: 'ops', count: 20, why: 'the loop is long' },
    ],
  };
  const root = open(trace);
  expect(role(root, 'fold').querySelector('summary')!.textContent).toBe('some details were not kept');
  expect(role(root, 'error').textContent).toContain('Stopped by ValueError: no – this is the part that ran.');
  expect(role(root, 'fold').textContent).toContain('9,980 steps, 20 ops not kept: the loop is long');
});

test('how much of a long cell was kept stands in one line, which opens', () => {
  const root = open({ ...product().trace, op_count: 12345, folds: [
      { what: 'passes', count: 3, why: 'it is long' },
      { what: 'passes', count: 1, why: 'it is wide' },
      { what: 'texts of ops', count: 1, why: 'it is wide' },
    ] });
  const details = role(root, 'fold').querySelector('details')!;
  expect(details.querySelector('summary')!.textContent).toBe('2 of 12,345 ops and 1 of 5 backward passes kept');
  expect(details.open).toBe(false);
  expect([...details.querySelectorAll('li')].map((line) => line.textContent)).toEqual([
    '3 passes not kept: it is long',
    '1 pass, 1 text of ops not kept: it is wide',
  ]);
});

test('what is no trace is answered with one line of text, and with the text of the same output', () => {
  for (const bad of [undefined, 'x', { version: 1, cell: 5 }]) {
    const root = open(bad, { fallback: '<b>as text</b>' });
    expect(role(root, 'refused').textContent).toMatch(/^This graph cannot be shown: /);
    expect(role(root, 'fallback').textContent).toBe('<b>as text</b>');
    view.dispose();
  }
  open(product().trace);
});

test('another trace takes the place of the first; disposing leaves nothing', () => {
  const root = open(product().trace, { view: 'table' });
  view.update(fanOut().trace);
  expect(root.querySelectorAll('table')[1]!.querySelectorAll('tbody tr')).toHaveLength(10);
  view.update({ nonsense: true });
  expect(role(root, 'refused')).not.toBeNull();
  const { element } = view;
  view.dispose();
  expect(element.isConnected).toBe(false);
});

test.each(goldens)('the golden trace $name opens, steps through and tells every moment', ({ trace }) => {
  const root = open(trace, { start: 'step' });
  expect(all(root, 'node').length).toBeGreaterThan(0);
  const slider = root.querySelector<HTMLInputElement>('[data-role="scrub"]');
  for (let k = 0; k <= Number(slider?.max ?? -1); k++) {
    slider!.value = String(k);
    slider!.dispatchEvent(new Event('input'));
    expect(role(root, 'live').textContent).not.toBe('');
  }
});

const PAYLOADS = [
  '<img src=x onerror="globalThis.hacked=1">',
  '<script>globalThis.hacked=1</script>',
  '"><svg onload=globalThis.hacked=1>',
  'javascript:globalThis.hacked=1',
  '</style><script>globalThis.hacked=1</script>',
  '{{constructor.constructor("globalThis.hacked=1")()}}',
  '\u202e<b>x</b>\u0000',
  '__proto__',
  'constructor',
];

test.each(PAYLOADS)('%s stays text wherever it stands', (payload) => {
  const poisoned = JSON.parse(JSON.stringify(product(2).trace), (key, value: unknown) =>
    typeof value === 'string' && !['kind', 'severity'].includes(key) ? payload : value,
  ) as Trace;
  const findings = [
    finding({ code: payload, title: payload, message: payload, hint: payload, mute: payload, values: [0] }),
  ];
  const root = open({ ...poisoned, findings, error: payload, folds: [{ what: payload, count: 1, why: payload }] });
  for (const tab of all(root, 'tab')) {
    tab.click();
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'End'])
      press(root.querySelector('.root')!, key);
    expect(
      root.querySelectorAll(
        'script, img, iframe, object, a, [onload], [onerror], [id], [name], [href], [data-commandlinker-command]',
      ),
    ).toHaveLength(0);
  }
  expect(globalThis).not.toHaveProperty('hacked');
  expect(role(root, 'error').textContent).toContain(payload);
});

test('a loop shows its course, and what its updates used', () => {
  const steps = Array.from({ length: 1000 }, (_, index) => ({
    index,
    ops: 5,
    events: 6,
    loss: index === 7 ? ('nan' as const) : 2 / (index + 1),
    kept: index < 3 || index === 999,
  }));
  const updates = [
    { value: 0, name: 'x', by: 'SGD.step', span: { source: 0, line: 4, column: 0, end_line: 4, end_column: 3 } },
  ];
  const root = open({ ...product().trace, steps, updates }, { view: 'table' });
  expect(role(root, 'course').textContent).toBe(
    'steps 0 to 999, loss 2 → 0.002, 1 without a finite loss; kept whole: 0–2, 999',
  );
  expect([...root.querySelectorAll('caption')].map((caption) => caption.textContent)).toEqual([
    'Values',
    'Backward, step by step',
    'Updates',
    'Steps of the loop',
  ]);
  expect(root.querySelectorAll('table')[3]!.querySelectorAll('tbody tr')).toHaveLength(200);
  root.querySelectorAll<HTMLElement>('.more')[3]!.click();
  expect(root.querySelectorAll('table')[3]!.querySelectorAll('tbody tr')).toHaveLength(400);
});

// What stands above the picture: the doctor's findings, what was left out, and why the code stopped.

import { h } from './dom';
import { clip } from './format';
import { folded, kept, place } from './say';
import type { Finding, Tape } from './validate';

const SHOWN = 3;

export function findings(tape: Tape, show: (finding: Finding) => void): HTMLElement | undefined {
  if (tape.findings.length === 0) return undefined;
  const list = h('ul', { class: 'findings', 'aria-label': 'Findings' });
  const rows = tape.findings.map((finding) => row(tape, finding, () => show(finding)));
  list.append(...rows.slice(0, SHOWN));
  const rest = rows.slice(SHOWN);
  if (rest.length > 0) {
    const more = h(
      'button',
      { onclick: () => more.parentElement!.replaceWith(...rest) },
      `${rest.length} more findings`,
    );
    list.append(h('li', { 'data-severity': 'note' }, more));
  }
  return list;
}

function row(tape: Tape, finding: Finding, show: () => void): HTMLElement {
  const { code, severity, title, message, hint, mute, span, values, ops } = finding;
  const where = place(tape, span);
  return h(
    'li',
    { 'data-role': 'finding', 'data-code': code, 'data-severity': severity },
    h('span', { class: 'icon', 'aria-label': severity }, severity === 'note' ? 'ℹ' : '⚠'),
    h('div', {}, h('b', {}, title), ' ', h('span', { class: 'code' }, where ? `${code}, ${where}` : code)),
    values.length + ops.length > 0 && h('button', { title: 'Show it in the graph', onclick: show }, 'show'),
    h('p', {}, message),
    h('p', {}, 'Try: ', ...prose(hint)),
    h('p', { class: 'mute' }, 'To silence this: ', h('code', {}, mute)),
  );
}

/** Words with code between backticks. */
export function prose(text: string): (string | HTMLElement)[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? h('code', {}, part) : part));
}

export function notes(tape: Tape): HTMLElement | undefined {
  const lines: HTMLElement[] = [];
  if (tape.error !== undefined) {
    const text = `✕ Stopped by ${clip(tape.error, 120)} – this is the part that ran.`;
    lines.push(h('li', { class: 'stopped', 'data-role': 'error' }, text));
  }
  if (tape.folds.length > 0) lines.push(h('li', { 'data-role': 'fold' }, leftOut(tape)));
  return lines.length ? h('ul', { class: 'notes', 'aria-label': 'Notes' }, ...lines) : undefined;
}

/** How much was kept; what was not, and why, for those who open it. */
function leftOut(tape: Tape): HTMLElement {
  const lost = folded(tape.folds).map((text) => h('li', {}, text));
  return h('details', {}, h('summary', {}, kept(tape)), h('ul', {}, ...lost));
}

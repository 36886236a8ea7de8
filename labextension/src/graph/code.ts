// The code pane: every source with its lines; the line of the op under way lights up, and a line lights up its nodes.

import { h, set } from './dom';
import type { Span, Tape } from './validate';

const MAX_LINES = 2_000;
const TOKENS = new RegExp(
  [
    '(?<cm>#.*)',
    `(?<st>[rbfu]{0,2}(?:"(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*'))`,
    '(?<kw>\\b(?:False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\\b)',
    '(?<nu>\\b\\d[\\d_.]*(?:e[+-]?\\d+)?\\b)',
  ].join('|'),
  'g',
);

export interface Hooks {
  /** The pointer is on a line, or on none. */
  hover(source: number, line: number | null): void;
  choose(source: number, line: number): void;
}

export class CodePane {
  readonly element = h('div', { class: 'code-pane', 'data-role': 'code', role: 'region', 'aria-label': 'Code' });
  readonly #lines = new Map<string, { row: HTMLElement; code: HTMLElement; text: string }>();
  #now: string[] = [];

  constructor(tape: Tape, hooks: Hooks) {
    const used = new Set(tape.ops.map(({ span }) => (span ? key(span.source, span.line) : '')));
    tape.sources.forEach((source, at) => {
      const list = h('ol');
      source.code.split('\n', MAX_LINES).forEach((text, i) => list.append(this.#line(at, i + 1, text, used, hooks)));
      this.element.append(h('h3', {}, source.label), list);
    });
  }

  /** Lights up the code of the op under way, its own columns most of all. */
  point(span: Span | undefined): void {
    for (const line of this.#now) this.#unmark(line);
    this.#now = [];
    if (!span) return;
    const end = Math.min(span.end_line, span.line + MAX_LINES);
    for (let line = span.line; line <= end; line++) this.#mark(key(span.source, line), span, line);
    this.#scroll(span);
  }

  /** Lights up lines that something else points at. */
  light(span: { source: number; line: number; end_line: number } | undefined): void {
    for (const [at, { row }] of this.#lines) {
      const [source, line] = at.split(':').map(Number) as [number, number];
      row.classList.toggle(
        'lit',
        span !== undefined && source === span.source && line >= span.line && line <= span.end_line,
      );
    }
  }

  #line(source: number, line: number, text: string, used: Set<string>, hooks: Hooks): HTMLElement {
    const code = h('span', {}, ...coloured(text));
    const row = h('li', { 'data-line': line }, h('span', { class: 'no', 'aria-hidden': 'true' }, String(line)), code);
    this.#lines.set(key(source, line), { row, code, text });
    if (used.has(key(source, line))) {
      set(row, {
        class: 'has-ops',
        onmouseenter: () => hooks.hover(source, line),
        onmouseleave: () => hooks.hover(source, null),
        onclick: () => hooks.choose(source, line),
      });
    }
    return row;
  }

  #mark(at: string, span: Span, line: number): void {
    const found = this.#lines.get(at);
    if (!found) return;
    const from = line === span.line ? span.column : 0;
    const to = line === span.end_line ? span.end_column : found.text.length;
    const { text } = found;
    found.row.classList.add('now');
    found.row.setAttribute('aria-current', 'true');
    found.code.replaceChildren(
      ...coloured(text.slice(0, from)),
      h('mark', {}, ...coloured(text.slice(from, to))),
      ...coloured(text.slice(to)),
    );
    this.#now.push(at);
  }

  #unmark(at: string): void {
    const found = this.#lines.get(at)!;
    found.row.classList.remove('now');
    found.row.removeAttribute('aria-current');
    found.code.replaceChildren(...coloured(found.text));
  }

  #scroll({ source, line }: Span): void {
    const row = this.#lines.get(key(source, line))?.row;
    if (row) scrollTo(this.element, row);
  }
}

/** Scrolls the pane only: `scrollIntoView` would move the notebook as well. */
export function scrollTo(pane: HTMLElement, row: HTMLElement): void {
  if (!pane.clientHeight || isInSight(pane, row)) return;
  pane.scrollTop = row.offsetTop - pane.offsetTop - pane.clientHeight / 2;
}

export function isInSight(pane: HTMLElement, row: HTMLElement): boolean {
  const top = row.offsetTop - pane.offsetTop;
  return top >= pane.scrollTop && top + row.offsetHeight <= pane.scrollTop + pane.clientHeight;
}

function key(source: number, line: number): string {
  return `${source}:${line}`;
}

/** A line of Python with its comments, strings, words and numbers in their colours. */
export function coloured(text: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let at = 0;
  for (const match of text.slice(0, 2_000).matchAll(TOKENS)) {
    const kind = Object.entries(match.groups!).find(([, found]) => found !== undefined)![0];
    parts.push(text.slice(at, match.index), h('i', { class: kind }, match[0]));
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)];
}

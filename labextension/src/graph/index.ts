// The one door of the graph view: `mount` puts a trace's picture into an element of any host, Jupyter or not.

import { h } from './dom';
import { followTheme, styles } from './theme';
import { Refusal, validate } from './validate';
import { Board, type Kept } from './view';

export interface ViewOptions {
  view?: 'auto' | 'graph' | 'code' | 'hand' | 'table' | 'none';
  collapse?: 'auto' | 'module' | 'line' | 'none';
  /** What the player does at first: stand at the end, play, or stand at the start. */
  start?: 'none' | 'play' | 'step';
  animate?: boolean;
  /** Of the picture, in pixels; else as high as the graph needs. */
  height?: number;
  /** How high the picture of a large graph may be, in pixels. */
  tallest?: number;
  theme?: 'auto' | 'light' | 'dark';
  /** What to show where the trace cannot be: the same output as text. */
  fallback?: string;
  /** Told which lines the pointer, the keyboard or the player is on. */
  onHoverSpan?: (span: { source: number; line: number; endLine: number } | null) => void;
}

export interface View {
  readonly element: HTMLElement;
  /** Lights up the nodes that a line made; none for null. */
  highlightLine(source: number, line: number | null): void;
  /** Shows another trace in the same place; what was open stays open. */
  update(trace: unknown): void;
  dispose(): void;
}

const MAX_FALLBACK = 20_000;

/** Draws a trace that nobody needs to have vouched for. What is no trace is answered with one line of text. */
export function mount(host: HTMLElement, trace: unknown, options: ViewOptions = {}): View {
  // Jupyter's shortcuts would otherwise take the keys of the player away.
  const element = h('div', { class: 'nbautograd-view', 'data-lm-suppress-shortcuts': 'true' });
  const root = h('div', { class: 'root', tabindex: -1, role: 'group', 'aria-label': 'Computation graph' });
  const unfollow = followTheme(root, options.theme ?? 'auto');
  element.attachShadow({ mode: 'open' }).append(styles(), root);
  host.append(element);
  let board: Board | undefined;
  const update = (next: unknown) => {
    const kept = board?.keep();
    board?.dispose();
    board = open(root, next, options, kept);
  };
  update(trace);
  return {
    element,
    highlightLine: (source, line) => board?.highlightLine(source, line),
    update,
    dispose: () => {
      board?.dispose();
      unfollow();
      element.remove();
    },
  };
}

function open(root: HTMLElement, trace: unknown, options: ViewOptions, kept?: Kept): Board | undefined {
  try {
    return new Board(root, validate(trace), options, kept);
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error);
    const why = error instanceof Refusal ? error.message.slice(0, 200) : 'it cannot be drawn';
    const said = h('p', { class: 'refused', 'data-role': 'refused' }, `This graph cannot be shown: ${why}.`);
    const { fallback } = options;
    root.replaceChildren(said, ...(fallback ? [h('pre', { 'data-role': 'fallback' }, fallback.slice(0, MAX_FALLBACK))] : []));
    return undefined;
  }
}

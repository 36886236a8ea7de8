// The link between a drawn node and its line of code, spoken in DOM events, so that no host needs to know the other side.
import { mount, type View, type ViewOptions } from '../graph';
import { isRecord } from './options';

/** Bubbles from a view: the pointer is on a node that this line made; `null` when it left. */
export const SPAN_EVENT = 'nbautograd-span';
/** Sent to a view: the pointer is on this line of an editor; `null` when it left. */
export const LINE_EVENT = 'nbautograd-line';
export const HOST_CLASS = 'nbautograd-host';

/** A line of code, named so that it is found again: by its cell and by its text. */
export interface Line {
  cell: string | null;
  line: number;
  endLine: number;
  /** What the line said when it ran: a line that was edited since is not lit. */
  text: string;
}

const DARK: { source: number; line: number | null } = { source: 0, line: null };

/** The sources of a trace that nobody has vouched for yet. */
function sources(trace: unknown): Record<string, unknown>[] {
  const list = isRecord(trace) ? trace['sources'] : null;
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function textOf(source: Record<string, unknown>, line: number): string | undefined {
  const code = source['code'];
  return typeof code === 'string' ? code.split('\n')[line - 1] : undefined;
}

export function lineOf(trace: unknown, span: { source: number; line: number; endLine: number }): Line | null {
  const source = sources(trace)[span.source];
  const text = source && textOf(source, span.line);
  if (source === undefined || text === undefined) return null;
  const cell = source['cell'];
  return { cell: typeof cell === 'string' ? cell : null, line: span.line, endLine: span.endLine, text };
}

/** Which source of the trace this line belongs to, or -1. */
export function sourceOf(trace: unknown, line: Line): number {
  return sources(trace).findIndex(source => source['cell'] === line.cell && textOf(source, line.line) === line.text);
}

/** Mount a view which tells the page what it is pointed at, and listens to where the page points. */
export function mountLinked(host: HTMLElement, trace: unknown, options: ViewOptions): View {
  let current = trace;
  const tell = (detail: Line | null) =>
    host.dispatchEvent(new CustomEvent(SPAN_EVENT, { detail, bubbles: true, composed: true }));
  const view = mount(host, trace, { ...options, onHoverSpan: span => tell(span && lineOf(current, span)) });
  let lit = DARK;
  const listen = (event: Event) => {
    const line = (event as CustomEvent<Line | null>).detail;
    const source = line === null ? -1 : sourceOf(current, line);
    const next = line === null || source < 0 ? DARK : { source, line: line.line };
    // The pointer moves many times within one line.
    if (next.source === lit.source && next.line === lit.line) return;
    lit = next;
    view.highlightLine(lit.source, lit.line);
  };
  host.classList.add(HOST_CLASS);
  host.addEventListener(LINE_EVENT, listen);
  return {
    element: view.element,
    highlightLine: (source, line) => view.highlightLine(source, line),
    update: next => {
      lit = DARK;
      view.update((current = next));
    },
    dispose: () => {
      host.removeEventListener(LINE_EVENT, listen);
      host.classList.remove(HOST_CLASS);
      tell(null);
      view.dispose();
    },
  };
}

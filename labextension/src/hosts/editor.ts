// The CodeMirror half of the link: lights lines of a cell's editor and tells which line the pointer is on.
import { RangeSet, StateEffect, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view';
import type { Line } from './link';

const light = StateEffect.define<Line | null>();
const decoration = Decoration.line({ class: 'nbautograd-lit' });

const lit = StateField.define<DecorationSet>({
  create: () => RangeSet.empty,
  update(decorations, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(light)) return decorate(transaction.state.doc, effect.value);
    }
    return decorations.map(transaction.changes);
  },
  provide: field => EditorView.decorations.from(field),
});

type Doc = EditorView['state']['doc'];

function decorate(doc: Doc, line: Line | null): DecorationSet {
  if (line === null || !says(doc, line)) return RangeSet.empty;
  const ranges: Range<Decoration>[] = [];
  for (let n = line.line; n <= Math.min(line.endLine, doc.lines); n++) ranges.push(decoration.range(doc.line(n).from));
  return RangeSet.of(ranges);
}

/** Whether the line still says what it said when it ran. */
function says(doc: Doc, line: Line): boolean {
  return line.line >= 1 && line.line <= doc.lines && doc.line(line.line).text === line.text;
}

/** A bar as well as a tint: the light is not told by colour alone. */
const theme = EditorView.baseTheme({
  '.nbautograd-lit': {
    backgroundColor: 'color-mix(in srgb, var(--jp-brand-color1, #1976d2) 16%, transparent)',
    boxShadow: 'inset 3px 0 0 var(--jp-brand-color1, #1976d2)',
  },
});

export function lightLine(editor: EditorView, line: Line | null): void {
  editor.dispatch({ effects: light.of(line) });
}

function lineAt(editor: EditorView, offset: number): Omit<Line, 'cell'> {
  const { number, text } = editor.state.doc.lineAt(offset);
  return { line: number, endLine: number, text };
}

/** An extension for every editor; `onLine` gets the line under the pointer, and null when the pointer leaves. */
export function lineLink(onLine: (editor: EditorView, line: Omit<Line, 'cell'> | null) => void): Extension {
  const handlers = EditorView.domEventHandlers({
    mousemove(event, editor) {
      const offset = editor.posAtCoords({ x: event.clientX, y: event.clientY });
      onLine(editor, offset === null ? null : lineAt(editor, offset));
    },
    mouseleave: (_event, editor) => onLine(editor, null),
  });
  return [lit, theme, handlers];
}

// The right sidebar: the trace of the cell one is working in, beside the notebook in front and as tall as the window.
import type { Cell, ICodeCellModel } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';
import type { View, ViewOptions } from '../graph';
import { MIME_TYPE } from '../graph/schema';
import { mountLinked } from './link';
import { isRecord, readOptions } from './options';

const HINT = 'No trace yet: put %%autograd on the first line of a cell and run it.';

/** What a view shows above and below its picture is about so high, in pixels. */
const BARS = 360;

interface Display {
  trace: unknown;
  metadata: unknown;
}

/** The last trace among a cell's outputs. A cell that is being disposed has no model, or a model without outputs. */
function lastTrace(cell: Cell | null): Display | null {
  if (!cell || cell.isDisposed || cell.model?.type !== 'code') return null;
  const outputs = (cell.model as ICodeCellModel).outputs;
  for (let i = (outputs?.length ?? 0) - 1; i >= 0; i--) {
    const { data, metadata } = outputs.get(i);
    if (MIME_TYPE in data) return { trace: data[MIME_TYPE], metadata: metadata[MIME_TYPE] };
  }
  return null;
}

export class Sidebar extends Widget {
  private readonly hint = document.createElement('p');
  private readonly host = document.createElement('div');
  /** The last trace that was looked at in each notebook. */
  private readonly displays = new WeakMap<Notebook, Display>();
  private notebook: Notebook | null = null;
  private drawn: Display | undefined;
  private view: View | null = null;

  constructor() {
    super();
    this.addClass('nbautograd-sidebar');
    this.node.style.cssText = 'overflow: auto; background: var(--jp-layout-color1)';
    this.hint.style.cssText = 'margin: 0; padding: 12px; color: var(--jp-ui-font-color1)';
    this.hint.textContent = HINT;
    this.node.append(this.hint, this.host);
  }

  /** Another notebook is in front; none when the last was closed. */
  turnTo(notebook: Notebook | null): void {
    this.notebook = notebook;
    this.follow(notebook, notebook?.activeCell ?? null);
  }

  /** A cell without a trace leaves the notebook's last one in place: running a cell moves on to the next, which has none
   * yet. A cell that has run in a notebook behind the one in front waits until that is in front again. */
  follow(notebook: Notebook | null, cell: Cell | null): void {
    const display = lastTrace(cell);
    if (notebook && display && display.trace !== this.displays.get(notebook)?.trace) this.displays.set(notebook, display);
    if (this.isVisible) this.draw();
  }

  protected override onAfterShow(): void {
    this.draw();
  }

  override dispose(): void {
    this.view?.dispose();
    this.view = null;
    super.dispose();
  }

  private draw(): void {
    const display = this.notebook ? this.displays.get(this.notebook) : undefined;
    if (display === this.drawn) return;
    this.drawn = display;
    this.view?.dispose();
    this.hint.hidden = display !== undefined;
    const tallest = this.node.clientHeight - BARS;
    this.view = display ? mountLinked(this.host, display.trace, { ...optionsOf(display), tallest }) : null;
  }
}

function optionsOf({ metadata }: Display): ViewOptions {
  return readOptions(isRecord(metadata) ? metadata['options'] : null);
}

// The right sidebar: the trace of the cell one is working in, beside the notebook and as tall as the window.
import type { Cell, ICodeCellModel } from '@jupyterlab/cells';
import { Widget } from '@lumino/widgets';
import type { View } from '../graph';
import { MIME_TYPE } from '../graph/schema';
import { mountLinked } from './link';
import { isRecord, readOptions } from './options';

const HINT = 'No trace yet: put %%autograd on the first line of a cell and run it.';

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
  private display: Display | null = null;
  private drawn: Display | null = null;
  private view: View | null = null;

  constructor() {
    super();
    this.addClass('nbautograd-sidebar');
    this.node.style.cssText = 'overflow: auto; background: var(--jp-layout-color1)';
    this.hint.style.cssText = 'margin: 0; padding: 12px; color: var(--jp-ui-font-color1)';
    this.hint.textContent = HINT;
    this.node.append(this.hint, this.host);
  }

  /** A cell without a trace leaves the last one in place: running a cell moves on to the next, which has none yet. */
  follow(cell: Cell | null): void {
    const display = lastTrace(cell);
    if (display === null || display.trace === this.display?.trace) return;
    this.display = display;
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
    if (this.display === null || this.display === this.drawn) return;
    const { trace, metadata } = (this.drawn = this.display);
    this.view?.dispose();
    this.hint.hidden = true;
    this.view = mountLinked(this.host, trace, readOptions(isRecord(metadata) ? metadata['options'] : null));
  }
}

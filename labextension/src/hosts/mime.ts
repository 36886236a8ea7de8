// Draws a trace that lies in a notebook's output: no kernel, no trust and no widget manager needed.
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import type { View } from '../graph';
import { MIME_TYPE } from '../graph/schema';
import { mountLinked } from './link';
import { isRecord, readOptions } from './options';

function fallback(text: unknown): { fallback?: string } {
  const whole = Array.isArray(text) ? text.join('') : text;
  return typeof whole === 'string' ? { fallback: whole } : {};
}

class TraceRenderer extends Widget implements IRenderMime.IRenderer {
  private view: View | null = null;

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const trace = model.data[MIME_TYPE];
    if (this.view) return this.view.update(trace);
    const metadata = model.metadata[MIME_TYPE];
    const options = readOptions(isRecord(metadata) ? metadata['options'] : null);
    this.view = mountLinked(this.node, trace, { ...options, ...fallback(model.data['text/plain']) });
  }

  override dispose(): void {
    this.view?.dispose();
    this.view = null;
    super.dispose();
  }
}

// NOTE [Rank]
// ipywidgets registers its renderer at -10. A trusted notebook that is opened again would show its "model not found"
// in place of the graph, because no widget state is saved; the same picture from the MIME data is always there.
const RANK = -20;

const extension: IRenderMime.IExtension = {
  id: 'nbautograd:mime',
  description: 'Draws the graph of a traced cell and plays its backward pass.',
  rank: RANK,
  dataType: 'json',
  rendererFactory: { safe: true, mimeTypes: [MIME_TYPE], createRenderer: () => new TraceRenderer() },
};

export default extension;

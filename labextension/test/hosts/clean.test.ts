// A course notebook counts as changed when its reader changed it, not when the kernel said its version.
import { expect, test } from 'vitest';
import { keepClean, type Model } from '../../src/hosts/clean';

/** A notebook's model as JupyterLab keeps it: every change marks it, and whoever watches is told. */
function notebook(metadata: Record<string, unknown>) {
  const content = { cells: ['text'], metadata: { language_info: { name: 'python' }, ...metadata } };
  const watchers = new Set<() => void>();
  const model = {
    isDisposed: false,
    dirty: false,
    getMetadata: (key: string) => (content.metadata as Record<string, unknown>)[key],
    toJSON: () => structuredClone(content),
    stateChanged: { connect: (look: () => void) => watchers.add(look), disconnect: (look: () => void) => watchers.delete(look) },
  };
  const change = (how: () => void) => {
    how();
    model.dirty = true;
    for (const look of [...watchers]) look();
  };
  keepClean(model as unknown as Model);
  return {
    model,
    edit: (text: string) => change(() => (content.cells = [text])),
    connect: (version: string) => change(() => Object.assign(content.metadata, { language_info: { version } })),
  };
}

test('what the kernel says of itself is no change', () => {
  const { model, connect } = notebook({ nbautograd: { lesson: '01' } });
  connect('3.11.7');
  expect(model.dirty).toBe(false);
});

test('an edit is a change, and stays one when the kernel speaks later', () => {
  const { model, edit, connect } = notebook({ nbautograd: { lesson: '01' } });
  connect('3.11.7');
  edit('my answer');
  expect(model.dirty).toBe(true);
  connect('3.12.0');
  expect(model.dirty).toBe(true);
});

test('other notebooks are left to JupyterLab', () => {
  const { model, connect } = notebook({});
  connect('3.11.7');
  expect(model.dirty).toBe(true);
});

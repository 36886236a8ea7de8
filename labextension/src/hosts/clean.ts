// A notebook of the course counts as changed only when its reader changed it.
//
// JupyterLab writes into every notebook which kernel, and which version of Python, it has just been connected to, and
// so an unchanged notebook from elsewhere asks to be saved as soon as it is open, and is, by the timer.
import type { INotebookModel, INotebookTracker } from '@jupyterlab/notebook';

/** Notebooks that have this in their metadata are the course's. */
const COURSE = 'nbautograd';

export type Model = Pick<INotebookModel, 'dirty' | 'getMetadata' | 'isDisposed' | 'stateChanged' | 'toJSON'>;

export function keepCourseClean(tracker: INotebookTracker): void {
  tracker.widgetAdded.connect((_, { context }) => {
    void context.ready.then(() => keepClean(context.model));
  });
}

/** Until somebody changes the notebook, take back that it was changed. */
export function keepClean(model: Model): void {
  if (model.isDisposed || model.getMetadata(COURSE) === undefined) return;
  const opened = written(model);
  const look = () => {
    if (!model.dirty) return;
    if (written(model) === opened) model.dirty = false;
    else model.stateChanged.disconnect(look);
  };
  look();
  model.stateChanged.connect(look);
}

/** What people wrote in a notebook: all but what the kernel says of itself. */
function written(model: Model): string {
  const { metadata, ...rest } = model.toJSON() as { metadata: object };
  return JSON.stringify({ ...rest, metadata: { ...metadata, kernelspec: null, language_info: null } });
}

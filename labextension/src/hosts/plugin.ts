// What JupyterLab and Notebook 7 load: the sidebar, and the link between the drawn graphs and the editors of their cells.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { Cell } from '@jupyterlab/cells';
import { EditorExtensionRegistry, IEditorExtensionRegistry, type CodeMirrorEditor } from '@jupyterlab/codemirror';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { LabIcon } from '@jupyterlab/ui-components';
import type { EditorView } from '@codemirror/view';
import { keepCourseClean } from './clean';
import { lightLine, lineLink } from './editor';
import { HOST_CLASS, LINE_EVENT, SPAN_EVENT, type Line } from './link';
import { Sidebar } from './sidebar';

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">' +
  '<g class="jp-icon3" fill="#616161"><circle cx="6" cy="5" r="3"/><circle cx="18" cy="5" r="3"/>' +
  '<circle cx="12" cy="19" r="3"/><path d="M7.2 7.6 11 16.2M16.8 7.6 13 16.2" stroke="#616161" stroke-width="2"/></g></svg>';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'nbautograd:plugin',
  description: 'A sidebar with the graph of the active cell, and a light on the line of code that a node came from.',
  autoStart: true,
  requires: [INotebookTracker, IEditorExtensionRegistry],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, editors: IEditorExtensionRegistry) => {
    const sidebar = addSidebar(app, tracker);
    linkNodesToLines(tracker);
    linkLinesToNodes(tracker, editors, sidebar);
    keepCourseClean(tracker);
  },
};

function addSidebar(app: JupyterFrontEnd, tracker: INotebookTracker): Sidebar {
  const sidebar = new Sidebar();
  sidebar.id = 'nbautograd-sidebar';
  sidebar.title.icon = new LabIcon({ name: 'nbautograd:graph', svgstr: ICON });
  sidebar.title.caption = 'Backward graph';
  app.shell.add(sidebar, 'right', { rank: 900 });
  const inFront = () => tracker.currentWidget?.content ?? null;
  tracker.currentChanged.connect(() => sidebar.turnTo(inFront()));
  tracker.activeCellChanged.connect((_, cell) => sidebar.follow(inFront(), cell));
  NotebookActions.executed.connect((_, { notebook, cell }) => sidebar.follow(notebook, cell));
  return sidebar;
}

function panelWith(tracker: INotebookTracker, node: Node): NotebookPanel | null {
  return tracker.find(panel => panel.node.contains(node)) ?? tracker.currentWidget;
}

/** Whoever ran the notebook may not have known the cells' ids; then it is the cell that the view is drawn in. */
function cellOf(panel: NotebookPanel | null, line: Line, origin: Node): Cell | undefined {
  const cells = panel?.content.widgets ?? [];
  return cells.find(cell => cell.model.id === line.cell) ?? cells.find(cell => cell.node.contains(origin));
}

function linkNodesToLines(tracker: INotebookTracker): void {
  let lit: CodeMirrorEditor | null = null;
  document.addEventListener(SPAN_EVENT, event => {
    const line = (event as CustomEvent<Line | null>).detail;
    const origin = event.composedPath()[0] as Node;
    if (lit && !lit.isDisposed) lightLine(lit.editor, null);
    const cell = line && cellOf(panelWith(tracker, origin), line, origin);
    lit = (cell?.editor ?? null) as CodeMirrorEditor | null;
    if (lit) lightLine(lit.editor, line);
  });
}

function linkLinesToNodes(tracker: INotebookTracker, editors: IEditorExtensionRegistry, sidebar: Sidebar): void {
  const onLine = (editor: EditorView, line: Omit<Line, 'cell'> | null) => {
    const panel = tracker.find(candidate => candidate.node.contains(editor.dom));
    const cell = panel?.content.widgets.find(candidate => candidate.node.contains(editor.dom));
    if (!panel || !cell) return;
    const detail = line && { ...line, cell: cell.model.id };
    for (const root of [panel.node, sidebar.node]) {
      for (const host of root.querySelectorAll(`.${HOST_CLASS}`)) host.dispatchEvent(new CustomEvent(LINE_EVENT, { detail }));
    }
  };
  editors.addExtension({
    name: 'nbautograd:lines',
    factory: () => EditorExtensionRegistry.createImmutableExtension(lineLink(onLine)),
  });
}

export default plugin;

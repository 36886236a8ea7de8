// The opened groups: which nodes each of them became, and the row of buttons that close them again.

import type { Folding as Collapse } from './fold';
import { diagram, type Node } from './diagram';
import { h } from './dom';
import { Index } from './faces';
import type { Tape } from './validate';

const MAX_NODES = 2_000;

export interface Folding {
  collapse: Collapse['collapse'];
  /** The groups that were opened, outermost first. */
  opened: Node[];
}

/** The diagram of a trace in one state of folding, as nodes to be found by op and value. */
export function folded(tape: Tape, { collapse, opened }: Folding): Index {
  const expanded = new Set(opened.map(({ key }) => key));
  return new Index(tape, diagram(tape, { collapse, expanded, maxNodes: MAX_NODES }));
}

export class Groups {
  readonly crumbs = h('div', { class: 'crumbs', role: 'group', 'aria-label': 'Opened groups' });

  constructor(
    readonly folding: Folding,
    readonly close: (group: Node) => void,
  ) {}

  open(group: Node): void {
    this.folding.opened.push(group);
  }

  remove(group: Node): void {
    this.folding.opened.splice(this.folding.opened.indexOf(group), 1);
  }

  /** The innermost opened group that an op belongs to. */
  around(op: number | undefined): Node | undefined {
    return this.folding.opened.findLast(({ members }) => op !== undefined && members?.includes(op));
  }

  /** The nodes that the group of this key has become. */
  inside(key: string, index: Index): Set<string> {
    return keysOf(this.folding.opened.find((group) => group.key === key)?.members, index);
  }

  /** Offers to close the groups whose nodes are drawn; comes back with these nodes, group by group. */
  show(index: Index): Set<string>[] {
    const drawn = this.folding.opened.map((group) => ({ group, keys: keysOf(group.members, index) }));
    const shown = drawn.filter(({ group, keys }) => keys.size > 0 && !isInside(group, keys, index));
    this.crumbs.replaceChildren(...shown.map(({ group }) => this.#crumb(group)));
    this.crumbs.hidden = shown.length === 0;
    return shown.map(({ keys }) => keys);
  }

  #crumb(group: Node): HTMLElement {
    return h(
      'button',
      { title: 'Close this group (Backspace)', 'data-role': 'crumb', onclick: () => this.close(group) },
      `▾ ${group.title}`,
    );
  }
}

function keysOf(members: number[] = [], index: Index): Set<string> {
  return new Set(members.flatMap((op) => index.ofOp(op)?.key ?? []));
}

/** Whether a group lies inside another one that is closed. */
function isInside(group: Node, keys: Set<string>, index: Index): boolean {
  const within = new Set(group.members);
  return index.diagram.nodes.some(({ key, members }) => keys.has(key) && members?.some((op) => !within.has(op)));
}

// The tabs of the view, and the keys that go from one to the next.

import { h, set } from './dom';
import type { ViewOptions } from './index';

export type Tab = 'graph' | 'code' | 'hand' | 'table';

const TABS: Record<Tab, { title: string; hint?: string }> = {
  graph: { title: 'Graph' },
  code: { title: 'Code' },
  hand: { title: 'By hand', hint: 'Forward and backward as plain Python, as if written by hand' },
  table: { title: 'Table' },
};
const NAMES = Object.keys(TABS) as Tab[];

export class Tabs {
  readonly element = h('div', {
    role: 'tablist',
    'aria-label': 'View',
    onkeydown: (event: KeyboardEvent) => this.#onKey(event),
  });
  readonly #buttons: Record<Tab, HTMLButtonElement>;
  #chosen: Tab | undefined;

  constructor(readonly choose: (tab: Tab) => void) {
    const button = (tab: Tab) => {
      const { title, hint } = TABS[tab];
      return h(
        'button',
        { role: 'tab', 'data-role': 'tab', 'data-tab': tab, title: hint, onclick: () => choose(tab) },
        title,
      );
    };
    this.#buttons = { graph: button('graph'), code: button('code'), hand: button('hand'), table: button('table') };
    this.element.append(...Object.values(this.#buttons));
  }

  /** Shows which one is chosen; none is where the view is closed. */
  mark(chosen: Tab | undefined): void {
    this.#chosen = chosen;
    for (const tab of NAMES)
      set(this.#buttons[tab], {
        'aria-selected': String(tab === chosen),
        tabindex: tab === (chosen ?? 'graph') ? 0 : -1,
      });
  }

  #onKey(event: KeyboardEvent): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = NAMES[(NAMES.indexOf(this.#chosen ?? 'graph') + step + NAMES.length) % NAMES.length]!;
    this.choose(next);
    this.#buttons[next].focus();
  }
}

export function tabOf(view: ViewOptions['view']): Tab | undefined {
  return view === 'none' ? undefined : view === undefined || view === 'auto' ? 'graph' : view;
}

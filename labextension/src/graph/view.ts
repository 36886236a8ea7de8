// The whole view of one trace: tabs, findings, picture, code, table and player, kept in step with each other.

import { CodePane } from './code';
import { Controls } from './controls';
import type { Node } from './diagram';
import { h, say } from './dom';
import { covers, Painter } from './faces';
import { course } from './figures';
import { HandPane } from './hand';
import { folded, type Folding } from './groups';
import type { ViewOptions } from './index';
import { onKey } from './keys';
import type { Line } from './listing';
import { findings, notes } from './notes';
import { Player } from './player';
import { Pointing } from './pointing';
import { about, overview, sentence } from './say';
import { Stage } from './stage';
import { TablePane } from './table';
import { tabOf, Tabs, type Tab } from './tabs';
import { stillness } from './theme';
import { Timeline } from './timeline';
import type { Finding, Tape } from './validate';

/** What survives when another trace is shown in the same place. */
export interface Kept {
  tab: Tab | undefined;
  opened: Node[];
  /** Where the player stands; the end stays the end. */
  k: number | 'end';
}

/** From this width on, the code stands beside the picture instead of in its place. */
const WIDE = 640;
/** The share of a step's time that its gradient travels. */
const TRAVEL = 0.55;

export class Board {
  readonly #timeline: Timeline;
  readonly #player: Player;
  readonly #painter: Painter;
  readonly #stage: Stage;
  readonly #controls: Controls;
  readonly #code: CodePane;
  readonly #pointing: Pointing;
  #hand: HandPane | undefined;
  #table: TablePane | undefined;
  readonly #live = h('div', { class: 'live', 'data-role': 'live', 'aria-live': 'polite', role: 'status' });
  readonly #body = h('div', { class: 'body' });
  readonly #tabs = new Tabs((tab) => this.#choose(tab));
  readonly #gone = new AbortController();
  #tab: Tab | undefined;
  #k = -1;
  /** A view that has just been opened shows how everything ended, and no step is under way. */
  #atRest = true;

  constructor(
    readonly root: HTMLElement,
    readonly tape: Tape,
    readonly options: ViewOptions,
    kept?: Kept,
  ) {
    const folding: Folding = { collapse: options.collapse ?? 'auto', opened: kept?.opened ?? [] };
    this.#timeline = new Timeline(tape);
    this.#player = this.#makePlayer(kept);
    this.#painter = new Painter(tape, this.#timeline, folded(tape, folding));
    this.#painter.k = this.#player.k;
    this.#stage = new Stage(tape, this.#timeline, this.#painter, options, folding, {
      hover: (node) => this.#pointing.atNode(node),
      refolded: () => this.#moveTo(false),
      seek: (k) => this.#player.seek(k),
      calm: () => this.#calm,
    });
    this.#code = new CodePane(tape, {
      hover: (source, line) => this.#pointing.atCode(source, line),
      choose: (source, line) => this.#goToLine(source, line),
    });
    this.#pointing = new Pointing({
      tape,
      timeline: this.#timeline,
      painter: this.#painter,
      stage: this.#stage,
      code: this.#code,
      hand: () => this.#hand,
      step: () => (this.#atRest ? undefined : this.#timeline.steps[this.#player.k - 1]),
      tell: options.onHoverSpan,
    });
    this.#controls = new Controls(tape, this.#timeline, this.#player);
    this.#tab = kept ? kept.tab : tabOf(options.view);
    this.#assemble();
    this.#changed(false);
    if (!kept && options.start === 'play') this.#player.play();
  }

  keep(): Kept {
    const { k } = this.#player;
    return { tab: this.#tab, opened: this.#stage.groups.folding.opened, k: k === this.#timeline.length ? 'end' : k };
  }

  dispose(): void {
    this.#gone.abort();
    this.#player.stop();
    this.#stage.dispose();
    this.#pointing.end();
    this.root.replaceChildren();
  }

  highlightLine(source: number, line: number | null): void {
    this.#pointing.atCode(source, line);
  }

  get #calm(): boolean {
    return this.options.animate === false || stillness();
  }

  #makePlayer(kept: Kept | undefined): Player {
    const { length, steps } = this.#timeline;
    const track = {
      length,
      visible: (k: number) => this.#stage.index.shows(steps[k - 1]!),
      isSum: (k: number) => {
        const { event } = steps[k - 1]!;
        return event !== undefined && event.kind !== 'seed' && event.before !== undefined;
      },
    };
    const fresh = this.options.start === 'play' || this.options.start === 'step' ? 0 : length;
    const k = kept && kept.k !== 'end' ? Math.min(kept.k, length) : kept ? length : fresh;
    return new Player(track, k, (moves) => this.#changed(moves));
  }

  // --- what is on the page ---

  #assemble(): void {
    const { root, tape, options } = this;
    root.classList.toggle('calm', this.#calm);
    const top = h(
      'div',
      { class: 'bar top' },
      this.#tabs.element,
      h('span', { class: 'place' }, h('span', { class: 'about' }, about(tape)), this.#stage.zoom),
    );
    const parts = [
      top,
      findings(tape, (finding) => this.#show(finding)),
      notes(tape),
      course(tape),
      this.#body,
      this.#live,
    ];
    root.replaceChildren(...parts.filter((part) => part !== undefined));
    if (this.#timeline.length > 0) root.append(this.#controls.element);
    if (options.view === 'none')
      for (const part of [this.#body, this.#live, this.#controls.element]) part.hidden = true;
    root.addEventListener('keydown', (event) => this.#onKey(event), { signal: this.#gone.signal });
    this.#choose(this.#tab);
  }

  #choose(tab: Tab | undefined): void {
    this.#tab = tab;
    this.#tabs.mark(tab);
    if (tab && this.options.view === 'none')
      for (const part of [this.#body, this.#live, this.#controls.element]) part.hidden = false;
    const wide = (this.root.clientWidth || WIDE) >= WIDE;
    this.#body.classList.toggle('alone', !wide);
    if (tab === 'table') this.#body.replaceChildren(this.#openTable().element);
    else if (tab === 'code' || tab === 'hand') {
      const pane = tab === 'code' ? this.#code : this.#openHand();
      this.#body.replaceChildren(pane.element, ...(wide ? [this.#stage.element] : []));
    } else this.#body.replaceChildren(this.#stage.element);
    this.#stage.zoom.hidden = this.#body.hidden || !this.#body.contains(this.#stage.element);
    this.#code.point(this.#pointing.span);
    this.#pointHand();
  }

  /** Built when first asked for, as the table is. */
  #openHand(): HandPane {
    this.#hand ??= new HandPane(this.tape, this.#timeline, {
      hover: (line) => this.#pointing.atWritten(line),
      choose: (line) => this.#goToWritten(line),
    });
    return this.#hand;
  }

  #pointHand(): void {
    this.#hand?.point(this.#atRest ? undefined : this.#player.k);
  }

  /** Built when first asked for: a table of ten thousand values is work. */
  #openTable(): TablePane {
    this.#table ??= new TablePane(this.tape, this.#timeline, {
      seek: (k) => this.#player.seek(k),
      open: (value) => {
        this.#choose('graph');
        this.#stage.openValue(value);
      },
    });
    this.#table.update(this.#player.k);
    return this.#table;
  }

  // --- time ---

  #changed(moves: boolean): void {
    this.#controls.update();
    if (this.#player.k === this.#k) return;
    this.#atRest = this.#k === -1 && this.#player.k === this.#timeline.length;
    this.#k = this.#player.k;
    this.#moveTo(moves);
  }

  #moveTo(moves: boolean): void {
    const { k } = this.#player;
    const step = this.#timeline.steps[k - 1];
    const seen = this.#stage.element.isConnected;
    const travel = moves && seen && !this.#calm ? Math.min(700, this.#player.duration * TRAVEL) : 0;
    this.#painter.flying = travel > 0;
    this.#painter.k = travel ? k - 1 : k;
    this.#stage.show(this.#atRest ? undefined : step, travel, () => this.#settle(moves));
    this.#table?.update(k);
    this.#code.point(this.#pointing.span);
    this.#pointHand();
    this.#pointing.tell();
    say(this.#live, this.#atRest ? overview(this.tape, this.#timeline) : sentence(this.tape, this.#timeline, k));
  }

  /** The state after the step, once its gradient has arrived. */
  #settle(moves: boolean): void {
    this.#painter.flying = false;
    this.#painter.k = this.#player.k;
    this.#stage.settle();
    if (moves) this.#stage.greet();
  }

  // --- going to what was chosen ---

  /** To a step, also from a rest at the end of that very step. */
  #seek(step: number): void {
    if (step !== this.#player.k) return this.#player.seek(step);
    this.#atRest = false;
    this.#moveTo(false);
  }

  #goToWritten({ op, step }: Line): void {
    if (step !== undefined) return this.#seek(step);
    const node = op === undefined ? undefined : this.#stage.index.ofOp(op);
    if (node) this.#stage.reveal([node]);
  }

  #show({ values, ops }: Finding): void {
    this.#choose('graph');
    const { index } = this.#stage;
    this.#stage.reveal(
      [...values.map((id) => index.ofValue(id)), ...ops.map((id) => index.ofOp(id))].filter(
        (node) => node !== undefined,
      ),
    );
  }

  #goToLine(source: number, line: number): void {
    const nodes = this.#stage.index.diagram.nodes.filter(({ span }) => span && covers(span, source, line));
    this.#stage.reveal(nodes);
  }

  // --- keys ---

  #onKey(event: KeyboardEvent): void {
    onKey(event, this.#player, this.#stage.scene, {
      focus: (key) => this.#stage.focus(key),
      open: (key) => this.#stage.open(key),
      fold: (key) => this.#stage.close(key),
      escape: () => this.#stage.escape(),
    });
  }
}

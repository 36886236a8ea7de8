// The picture's frame: scene, zoom buttons, opened groups, the step's card and the details of a node.

import { gestures, type Box } from './camera';
import { StepCard } from './card';
import { DetailsPanel } from './details';
import { zoomButtons } from './controls';
import { diagram, toLayoutInput, type Node } from './diagram';
import { h, set } from './dom';
import { Index, type Painter } from './faces';
import { plural } from './format';
import { label, lookOf } from './colour';
import { withPill } from './glyph';
import { layout } from './layout';
import { Scene, type Wire } from './scene';
import { Seat } from './seat';
import type { Step, Timeline } from './timeline';
import type { Tape } from './validate';

const HEIGHT = { least: 150, most: 480, legible: 0.5 };
/** Where the whole cannot be read, a part of it is shown at this zoom. */
const OVERVIEW_ZOOM = 0.8;
const MAX_NODES = 2_000;
/** A longer contribution travels without its numbers. */
const PULSE_TEXT = 12;

export interface Folding {
  collapse: 'auto' | 'module' | 'line' | 'none';
  /** The groups that were opened, outermost first. */
  opened: Node[];
}

interface StageHooks {
  hover(node: Node | undefined): void;
  /** The picture was folded otherwise. */
  refolded(): void;
  seek(k: number): void;
  /** Whether nothing should move by itself. */
  calm(): boolean;
}

export class Stage {
  readonly element = h('div', {
    class: 'stage',
    'data-role': 'stage',
    role: 'application',
    'aria-roledescription': 'computation graph',
  });
  readonly scene: Scene;
  readonly folding: Folding;
  index: Index;
  readonly #card: StepCard;
  readonly #seat: Seat;
  readonly #zoom: HTMLElement;
  readonly #details: DetailsPanel;
  readonly #crumbs = h('div', { class: 'crumbs' });
  readonly #hidden = h('p', { class: 'hidden-note', 'data-role': 'hidden' });
  readonly #observer: ResizeObserver | undefined;
  #step: Step | undefined;

  constructor(
    readonly tape: Tape,
    readonly timeline: Timeline,
    readonly painter: Painter,
    readonly height: number | undefined,
    folding: Folding,
    readonly hooks: StageHooks,
  ) {
    this.folding = folding;
    this.index = painter.index;
    this.scene = new Scene(painter);
    this.#card = new StepCard(tape, timeline);
    this.#details = new DetailsPanel(tape, timeline, { close: () => this.escape(), seek: (k) => hooks.seek(k) });
    this.#zoom = zoomButtons(this.scene.camera);
    this.#seat = new Seat(this.element, this.scene, this.#card, [this.#zoom, this.#details.element], () => {
      this.#setHeight();
      this.scene.draw();
    });
    this.scene.camera.watch(() => this.#placeCard());
    set(this.element, {
      'aria-label': `Graph of ${tape.ops.length} ops. Arrow keys follow edges, Enter opens, Escape closes.`,
    });
    this.element.append(
      this.scene.svg,
      this.#crumbs,
      this.#hidden,
      this.#zoom,
      this.#card.element,
      this.#details.element,
    );
    gestures(this.element, this.scene.camera);
    this.#listen();
    this.#picture();
    this.#observer = typeof ResizeObserver === 'function' ? new ResizeObserver(() => this.#resize()) : undefined;
    this.#observer?.observe(this.element);
  }

  /** The diagram of a trace in one state of folding, as nodes to be found by op and value. */
  static fold(tape: Tape, { collapse, opened }: Folding): Index {
    const expanded = new Set(opened.map(({ key }) => key));
    return new Index(tape, diagram(tape, { collapse, expanded, maxNodes: MAX_NODES }));
  }

  dispose(): void {
    this.#observer?.disconnect();
    this.scene.dispose();
  }

  // --- folding ---

  /** Enter or a click: a group opens, everything else tells about itself. */
  open(key: string): void {
    const node = this.scene.find(key)?.node;
    if (!node) return;
    if (node.kind !== 'group') return this.#showDetails(node);
    this.folding.opened.push(node);
    this.#refold(key);
  }

  /** Closes the innermost opened group that a node belongs to. */
  close(key: string): void {
    const op = this.scene.find(key)?.node.op;
    const group = this.folding.opened.findLast(({ members }) => op !== undefined && members?.includes(op));
    if (group) this.#closeGroup(group);
  }

  escape(): boolean {
    if (!this.#details.close()) return false;
    this.focus(this.scene.current);
    return true;
  }

  focus(key: string | undefined): void {
    const item = key === undefined ? undefined : this.scene.find(key);
    if (!item) return;
    this.scene.current = item.key;
    this.scene.camera.follow(this.scene.around([item.key])!, true);
    this.scene.draw();
    this.scene.glyph(item.key)!.element.focus({ preventScroll: true });
  }

  /** Brings nodes into the window and lights them up. */
  reveal(nodes: Node[]): void {
    this.painter.lit = new Set(nodes.map(({ key }) => key));
    const box = this.scene.around(this.painter.lit);
    if (box) this.scene.camera.follow(box, this.hooks.calm());
    this.scene.refresh();
  }

  #closeGroup(group: Node): void {
    this.folding.opened.splice(this.folding.opened.indexOf(group), 1);
    this.#refold(group.key);
  }

  #refold(origin: string): void {
    this.index = Stage.fold(this.tape, this.folding);
    this.painter.reindex(this.index);
    const hadFocus = this.element.contains((this.element.getRootNode() as ShadowRoot).activeElement);
    this.#picture(origin);
    const members = this.folding.opened.find(({ key }) => key === origin)?.members ?? [];
    const inside = new Set(members.flatMap((op) => this.index.ofOp(op)?.key ?? []));
    const box = this.scene.around(inside.size ? inside : [origin]);
    if (this.scene.camera.fitting >= HEIGHT.legible) this.scene.camera.fit();
    else if (box)
      this.scene.camera.survey(
        (box.left + box.right) / 2,
        (box.top + box.bottom) / 2,
        Math.max(HEIGHT.legible, this.scene.camera.zoom),
      );
    this.hooks.refolded();
    if (hadFocus) this.focus(this.scene.find(origin) ? origin : [...inside][0]);
  }

  #picture(origin?: string): void {
    const { diagram } = this.index;
    const rooms = new Map(diagram.nodes.map((node) => [node.key, this.painter.room(node)]));
    const { boxes, edges } = toLayoutInput(diagram);
    const place = layout({ edges, boxes: boxes.map((box) => withPill(box, rooms.get(box.key) ?? 0)) });
    this.scene.show(diagram, place, this.hooks.calm() ? undefined : origin);
    this.#seat.leave();
    this.#hidden.textContent = diagram.hidden
      ? `${plural(diagram.hidden, 'op or leaf', 'ops and leaves')} in closed boxes: click one to open it`
      : '';
    const frames = this.folding.opened.flatMap((group) => this.#frameOf(group) ?? []);
    this.scene.frame(frames.map(({ box }) => box));
    this.#crumbs.replaceChildren(
      ...frames.map(({ group }) =>
        h(
          'button',
          { title: 'Close this group (Backspace)', 'data-role': 'crumb', onclick: () => this.#closeGroup(group) },
          `▾ ${group.title}`,
        ),
      ),
    );
    this.#resize(origin === undefined);
  }

  #frameOf(group: Node): { group: Node; box: Box } | undefined {
    const keys = new Set((group.members ?? []).flatMap((op) => this.index.ofOp(op)?.key ?? []));
    const within = new Set(group.members);
    const box = this.scene.around(keys);
    const covered = [...keys].some((key) => this.scene.find(key)?.node.members?.some((op) => !within.has(op)));
    return box && !covered ? { group, box } : undefined;
  }

  // --- the step under way ---

  /** Shows a step; with `moves` its gradient travels first, and `arrived` is called when it is there. */
  show(step: Step | undefined, moves: number, arrived: () => void): void {
    const { painter, scene } = this;
    const wire = this.#wireOf(step);
    const isNew = step !== this.#step;
    this.#step = step;
    painter.active = new Set(step ? this.index.nodes(step).map(({ key }) => key) : []);
    painter.activeLink = this.index.link(step);
    painter.activeLook = step && lookOf(step, this.timeline);
    scene.land();
    this.#card.show(step);
    this.#placeCard();
    if (isNew) this.#follow(wire);
    if (moves === 0 || step?.event?.kind !== 'flow' || !wire) return arrived();
    scene.refresh();
    const text = label(step.event.contribution, PULSE_TEXT);
    scene.pulse(wire, text.length <= PULSE_TEXT ? text : '', painter.activeLook!.hue, moves, arrived);
  }

  /** The little jump of the node that has just received something. */
  greet(): void {
    const key = this.#step && this.index.nodes(this.#step)[0]?.key;
    if (key !== undefined) this.scene.glyph(key)?.arrive();
  }

  #wireOf(step: Step | undefined): Wire | undefined {
    const link = this.index.link(step);
    return link && this.scene.wires.find((wire) => wire.link === link);
  }

  /** The drawn nodes of the step: where a leaf is drawn as a chip, the chip. */
  #focus(wire: Wire | undefined): string[] {
    return wire ? [wire.end, wire.link.to] : [...this.painter.active];
  }

  #follow(wire: Wire | undefined): void {
    const box = this.scene.around(this.#focus(wire));
    if (box) this.scene.camera.follow(box, this.hooks.calm());
  }

  #placeCard(): void {
    const wire = this.#wireOf(this.#step);
    this.#seat.place(this.#focus(wire), wire);
  }

  // --- details, pointer, size ---

  #showDetails(node: Node): void {
    if (node.value === undefined) return;
    this.#details.show(node.value, this.painter.k);
    this.scene.current = node.key;
    this.#placeCard();
  }

  /** Opens the details of a value, or the group that hides it. */
  openValue(value: number): void {
    const node = this.index.ofValue(value);
    if (node) this.open(node.key);
  }

  /** The state after the step: everything up to date. */
  settle(): void {
    this.scene.refresh();
    this.#details.update(this.painter.k);
  }

  #listen(): void {
    const nodeAt = (target: EventTarget | null) => {
      const key = target instanceof Element ? target.closest('[data-key]')?.getAttribute('data-key') : undefined;
      return key ? this.scene.find(key) : undefined;
    };
    const { svg } = this.scene;
    svg.addEventListener('pointerover', (event) => this.hooks.hover(nodeAt(event.target)?.node));
    svg.addEventListener('pointerleave', () => this.hooks.hover(undefined));
    svg.addEventListener('focusin', (event) => this.hooks.hover(nodeAt(event.target)?.node));
    svg.addEventListener('focusout', () => this.hooks.hover(undefined));
    svg.addEventListener('click', (event) => {
      const item = nodeAt(event.target);
      if (!item) return;
      this.focus(item.key);
      this.open(item.key);
    });
    svg.addEventListener('dblclick', (event) => {
      const rect = this.element.getBoundingClientRect();
      if (!nodeAt(event.target)) this.scene.camera.zoomAt(1.6, event.clientX - rect.left, event.clientY - rect.top);
    });
    // The browser scrolls what has the focus into view, even where nothing should scroll.
    this.element.addEventListener('scroll', () => this.element.scrollTo(0, 0));
  }

  #resize(fresh = false): void {
    const { camera } = this.scene;
    const width = this.element.clientWidth || camera.width;
    if (width !== camera.width) this.#seat.leave();
    camera.width = width;
    this.#setHeight();
    if (fresh || !camera.touched) this.#overview();
    this.scene.draw();
    this.#placeCard();
  }

  /** As high as the graph wants, and the docked card below it; or as high as was asked for, all in all. */
  #setHeight(): void {
    const { camera } = this.scene;
    const { left, right, top, bottom } = camera.world;
    const zoom = Math.min(1, camera.width / Math.max(1, right - left));
    const wanted = Math.min(HEIGHT.most, Math.max(HEIGHT.least, (bottom - top) * Math.max(zoom, HEIGHT.legible)));
    camera.height = this.height === undefined ? wanted : Math.max(HEIGHT.least, this.height - this.#seat.below);
    this.element.style.height = `${Math.round(camera.height + this.#seat.below)}px`;
  }

  /** The whole graph where it can be read, else its end, where backward begins. */
  #overview(): void {
    const { camera } = this.scene;
    camera.fit();
    if (camera.zoom >= HEIGHT.legible) return;
    const root = this.tape.passes[0]?.roots[0];
    const node = root === undefined ? undefined : this.index.ofValue(root);
    const item = this.scene.find(node?.key ?? '') ?? this.scene.items.at(-1);
    if (item) camera.survey(item.x, item.y, OVERVIEW_ZOOM);
  }
}

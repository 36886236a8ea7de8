// The picture with what belongs to it: opened groups above, the step's card and a node's details in it, a hint below.

import { gestures } from './camera';
import { StepCard } from './card';
import { label, lookOf } from './colour';
import { zoomButtons } from './controls';
import { DetailsPanel } from './details';
import { toLayoutInput, type Node } from './diagram';
import { h, s, set } from './dom';
import type { Index, Painter } from './faces';
import { plural } from './format';
import { afterFolding, heightOf, overview } from './frame';
import { hatching, withPill, type Item } from './glyph';
import { folded, Groups, type Folding } from './groups';
import type { ViewOptions } from './index';
import { layout } from './layout';
import { Scene, type Wire } from './scene';
import { FREED } from './say';
import { Seat } from './seat';
import type { Step, Timeline } from './timeline';
import type { Tape } from './validate';

/** A longer contribution travels without its numbers. */
const PULSE_TEXT = 12;

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
  /** For the bar of the view: nothing of the picture lies under them there. */
  readonly zoom: HTMLElement;
  readonly groups: Groups;
  index: Index;
  readonly #picture = h('div', { class: 'picture' });
  readonly #card: StepCard;
  readonly #seat: Seat;
  readonly #details: DetailsPanel;
  readonly #hidden = h('span', { 'data-role': 'hidden' });
  readonly #foot = h('div', { class: 'foot' }, this.#hidden);
  readonly #observer: ResizeObserver | undefined;
  #step: Step | undefined;

  constructor(
    readonly tape: Tape,
    readonly timeline: Timeline,
    readonly painter: Painter,
    readonly size: Pick<ViewOptions, 'height' | 'tallest'>,
    folding: Folding,
    readonly hooks: StageHooks,
  ) {
    this.index = painter.index;
    this.scene = new Scene(painter);
    this.zoom = zoomButtons(this.scene.camera);
    this.groups = new Groups(folding, (group) => this.#closeGroup(group));
    this.#card = new StepCard(tape, timeline);
    this.#details = new DetailsPanel(tape, timeline, { close: () => this.escape(), seek: (k) => hooks.seek(k) });
    this.#seat = new Seat(this.#picture, this.scene, this.#card, this.#details.element, () => {
      this.#setHeight();
      this.scene.draw();
    });
    this.scene.camera.watch(() => this.#placeCard());
    set(this.element, {
      'aria-label': `Graph of ${tape.ops.length} ops. Arrow keys follow edges, Enter opens, Escape closes.`,
    });
    this.#picture.append(this.scene.svg, this.#card.element, this.#details.element);
    if (timeline.frees) this.#foot.append(legend());
    this.element.append(this.groups.crumbs, this.#picture, this.#foot);
    gestures(this.#picture, this.scene.camera);
    this.#listen();
    this.#lay();
    this.#observer = typeof ResizeObserver === 'function' ? new ResizeObserver(() => this.#resize()) : undefined;
    this.#observer?.observe(this.element);
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
    this.groups.open(node);
    this.#refold(key);
  }

  /** Closes the innermost opened group that a node belongs to. */
  close(key: string): void {
    const group = this.groups.around(this.scene.find(key)?.node.op);
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
    this.groups.remove(group);
    this.#refold(group.key);
  }

  #refold(origin: string): void {
    this.index = folded(this.tape, this.groups.folding);
    this.painter.reindex(this.index);
    const hadFocus = this.element.contains((this.element.getRootNode() as ShadowRoot).activeElement);
    this.#lay(origin);
    const inside = this.groups.inside(origin, this.index);
    afterFolding(this.scene.camera, this.scene.middle(inside.size ? inside : [origin]));
    this.hooks.refolded();
    if (hadFocus) this.focus(this.scene.find(origin) ? origin : [...inside][0]);
  }

  /** Lays out the diagram; after folding, the new nodes come out of `origin`. */
  #lay(origin?: string): void {
    const { diagram } = this.index;
    const rooms = new Map(diagram.nodes.map((node) => [node.key, this.painter.room(node)]));
    const { boxes, edges } = toLayoutInput(diagram);
    const place = layout({ edges, boxes: boxes.map((box) => withPill(box, rooms.get(box.key) ?? 0)) });
    this.scene.show(diagram, place, this.hooks.calm() ? undefined : origin);
    this.#seat.leave();
    this.#hidden.textContent = diagram.hidden
      ? `${plural(diagram.hidden, 'op or leaf', 'ops and leaves')} in closed boxes: click one to open it`
      : '';
    this.#hidden.hidden = diagram.hidden === 0;
    this.#foot.hidden = diagram.hidden === 0 && !this.timeline.frees;
    this.scene.frame(this.groups.show(this.index));
    this.#resize(origin === undefined);
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
    scene.pulse.land();
    this.#card.show(step);
    this.#placeCard();
    if (isNew) this.#follow(wire);
    if (moves === 0 || step?.event?.kind !== 'flow' || !wire) return arrived();
    scene.refresh();
    const text = label(step.event.contribution, PULSE_TEXT);
    scene.pulse.send(wire.points, text.length <= PULSE_TEXT ? text : '', painter.activeLook!.hue, moves, arrived);
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
      const rect = this.#picture.getBoundingClientRect();
      if (!nodeAt(event.target)) this.scene.camera.zoomAt(1.6, event.clientX - rect.left, event.clientY - rect.top);
    });
    // The browser scrolls what has the focus into view, even where nothing should scroll.
    this.#picture.addEventListener('scroll', () => this.#picture.scrollTo(0, 0));
  }

  #resize(fresh = false): void {
    const { camera } = this.scene;
    const width = this.#picture.clientWidth || camera.width;
    const before = camera.width;
    if (width !== before) this.#seat.leave();
    camera.width = width;
    this.#setHeight();
    if (fresh || (width !== before && !camera.touched)) overview(camera, this.#beginning());
    this.scene.draw();
    this.#placeCard();
  }

  /** Where backward begins. */
  #beginning(): Item | undefined {
    const root = this.tape.passes[0]?.roots[0];
    const node = root === undefined ? undefined : this.index.ofValue(root);
    return this.scene.find(node?.key ?? '') ?? this.scene.items.at(-1);
  }

  /** With the docked card, and all in all no higher than was asked for. */
  #setHeight(): void {
    const { below } = this.#seat;
    const rows = below + this.groups.crumbs.offsetHeight + this.#foot.offsetHeight;
    const { camera } = this.scene;
    const { height, tallest } = this.size;
    camera.height = heightOf(camera, height === undefined ? undefined : height - rows, tallest);
    this.#picture.style.height = `${Math.round(camera.height + below)}px`;
  }
}

/** What the one sign means that no text stands beside. */
function legend(): HTMLElement {
  const swatch = { width: 22, height: 14 };
  const attributes = { ...swatch, class: 'hatch', viewBox: '-11 -7 22 14', 'aria-hidden': 'true' };
  const svg = s('svg', attributes, hatching(swatch));
  return h('span', { class: 'legend', 'data-role': 'legend' }, svg, `hatched: ${FREED}`);
}

// The picture: nodes and links as SVG, only those within the window, with the gradient's pulse travelling along them.

import { bounds, boxOf, overlaps, spread, type Box } from './boxes';
import { Camera } from './camera';
import type { Look } from './colour';
import { head, path, type Point } from './curve';
import type { Diagram, Link, Node } from './diagram';
import { s, set } from './dom';
import { far } from './far';
import { Glyph, type Face, type Item } from './glyph';
import { hull } from './hull';
import type { Layout } from './layout';
import { Pulse } from './pulse';

export interface Wire {
  link: Link;
  /** The drawn node that the gradient on this link comes to. */
  end: string;
  points: Point[];
  box: Box;
}

export interface WireFace {
  look?: Look;
  active: boolean;
  lit: boolean;
}

export interface Faces {
  node(node: Node): Face;
  /** The colour alone: cheap enough for thousands of nodes. */
  look(node: Node): Look | undefined;
  wire(link: Link): WireFace;
}

/** Below this zoom nobody could read text, so none is drawn. */
const READABLE = 0.4;
/** With more nodes than this in the window, those too small to read are drawn as a few shapes in all. */
const MANY = 500;
const MARGIN = 24;
const MORPH_MS = 280;

export class Scene {
  readonly svg = s('svg', { class: 'scene', role: 'presentation', tabindex: -1 });
  readonly camera: Camera;
  items: Item[] = [];
  wires: Wire[] = [];
  /** The node that the keyboard is on: the scene's one tab stop, always drawn. */
  current: string | undefined;
  readonly #world: Box = { left: 0, top: 0, right: 0, bottom: 0 };
  readonly #root = s('g');
  readonly pulse = new Pulse();
  readonly #layers = { hulls: s('g'), far: s('g'), wires: s('g'), nodes: s('g'), pulse: this.pulse.layer };
  readonly #byKey = new Map<string, Item>();
  readonly #glyphs = new Map<string, Glyph>();
  readonly #lines = new Map<Wire, SVGGElement>();
  #detailed = true;
  #frame = 0;
  #morph: { from: Map<string, Point>; at: number } | undefined;

  constructor(readonly faces: Faces) {
    this.camera = new Camera(this.#world);
    this.camera.watch(() => this.#soon());
    this.#root.append(...Object.values(this.#layers));
    this.svg.append(this.#root);
  }

  /** Shows another picture; nodes that stay glide to their new places, new ones come out of `origin`. */
  show(diagram: Diagram, layout: Layout, origin?: string): void {
    const before = new Map(this.items.map(({ key, x, y }) => [key, [x, y] as Point]));
    const source = origin === undefined ? undefined : this.#byKey.get(origin);
    this.#place(diagram, layout);
    if (source) for (const { key } of this.items) if (!before.has(key)) before.set(key, [source.x, source.y]);
    this.#morph = origin === undefined ? undefined : { from: before, at: performance.now() };
    this.#clear();
    this.draw();
  }

  find(key: string): Item | undefined {
    return this.#byKey.get(key);
  }

  glyph(key: string): Glyph | undefined {
    return this.#glyphs.get(key);
  }

  /** The nodes that are drawn one by one. */
  visible(): Item[] {
    return [...this.#glyphs.values()].map(({ item }) => item);
  }

  /** A box around nodes, in the scene's units. */
  around(keys: Iterable<string>): Box | undefined {
    const items = [...keys].flatMap((key) => this.#byKey.get(key) ?? []);
    return items.length === 0 ? undefined : bounds(items.map(boxOf));
  }

  /** The middle of nodes. */
  middle(keys: Iterable<string>): { x: number; y: number } | undefined {
    const box = this.around(keys);
    return box && { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
  }

  /** Draws, for each opened group, what belongs to it as one piece. */
  frame(groups: ReadonlySet<string>[]): void {
    this.#layers.hulls.replaceChildren(...groups.map((keys) => this.#hull(keys)));
  }

  /** Leaves that are drawn for a group alone belong to it, too. */
  #hull(keys: ReadonlySet<string>): SVGElement {
    const leadsOut = new Set(this.wires.flatMap(({ end, link }) => (keys.has(link.to) ? [] : [end])));
    const isOwn = (end: string) => keys.has(end) || (!leadsOut.has(end) && isLeaf(this.#byKey.get(end)!.node));
    const inner = this.wires.filter(({ end, link }) => keys.has(link.to) && isOwn(end));
    const own = new Set([...keys, ...inner.map(({ end }) => end)]);
    return hull([...own].flatMap((key) => this.#byKey.get(key) ?? []), inner);
  }

  /** Brings everything that is in the window up to date, and lets go of the rest. */
  draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { camera } = this;
    set(this.#root, { transform: camera.transform });
    const detailed = camera.zoom >= READABLE;
    if (detailed !== this.#detailed) this.#clear();
    this.#detailed = detailed;
    const window = camera.window;
    const items = this.items.filter((item) => overlaps(boxOf(item), window));
    const crowded = !detailed && items.length > MANY;
    this.#drawNodes(crowded ? [] : items);
    const wires = this.wires.filter(({ box }) => overlaps(box, window));
    this.#drawWires(crowded ? [] : wires);
    this.#layers.far.replaceChildren(...(crowded ? far(items, wires, ({ node }) => this.faces.look(node)) : []));
    if (this.#morph) this.#glide();
  }

  /** Only what the nodes and links show has changed. */
  refresh(): void {
    if (this.#layers.far.hasChildNodes()) return this.draw();
    for (const glyph of this.#glyphs.values()) glyph.update(this.faces.node(glyph.item.node));
    for (const [wire, line] of this.#lines) this.#paint(wire, line);
  }

  dispose(): void {
    this.camera.stop();
    this.pulse.land();
    cancelAnimationFrame(this.#frame);
  }

  #place(diagram: Diagram, layout: Layout): void {
    const nodes = new Map(diagram.nodes.map((node) => [node.key, node]));
    const links = new Map(diagram.links.map((link) => [linkKey(link.from, link.to, link.order), link]));
    this.items = layout.boxes.flatMap((box) => {
      const node = nodes.get(box.chipOf ?? box.key);
      return node ? [{ ...box, node, chip: box.chipOf !== undefined }] : [];
    });
    this.#byKey.clear();
    for (const item of this.items) this.#byKey.set(item.key, item);
    this.wires = layout.routes.flatMap(({ from, to, order, points }) => {
      const link = links.get(linkKey(this.#byKey.get(from)?.node.key ?? from, to, order));
      return link ? [{ link, end: from, points, box: spread(points) }] : [];
    });
    Object.assign(this.#world, {
      left: -MARGIN,
      top: -MARGIN,
      right: layout.width + MARGIN,
      bottom: layout.height + MARGIN,
    });
    if (this.current === undefined || !this.#byKey.has(this.current)) this.current = this.items.at(-1)?.key;
  }

  #clear(): void {
    this.#glyphs.clear();
    this.#lines.clear();
    this.#layers.nodes.replaceChildren();
    this.#layers.wires.replaceChildren();
  }

  #soon(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.draw());
  }

  #drawNodes(items: Item[]): void {
    const wanted = new Set(items);
    const current = this.current === undefined ? undefined : this.#byKey.get(this.current);
    if (current) wanted.add(current);
    for (const [key, glyph] of this.#glyphs) {
      if (wanted.has(glyph.item)) continue;
      glyph.element.remove();
      this.#glyphs.delete(key);
    }
    for (const item of wanted) {
      const glyph = this.#glyphs.get(item.key) ?? this.#addGlyph(item);
      set(glyph.element, { tabindex: item === current ? 0 : -1 });
    }
  }

  #addGlyph(item: Item): Glyph {
    const glyph = new Glyph(item, this.#detailed);
    glyph.move(item.x, item.y);
    glyph.update(this.faces.node(item.node));
    this.#glyphs.set(item.key, glyph);
    this.#layers.nodes.append(glyph.element);
    return glyph;
  }

  #drawWires(wires: Wire[]): void {
    const wanted = new Set(wires);
    for (const [wire, line] of this.#lines) {
      if (wanted.has(wire)) continue;
      line.remove();
      this.#lines.delete(wire);
    }
    for (const wire of wires) {
      if (this.#lines.has(wire)) continue;
      const line = s('g', {}, s('path', { d: path(wire.points) }), s('path', { d: head(wire.points) }));
      this.#paint(wire, line);
      this.#lines.set(wire, line);
      this.#layers.wires.append(line);
    }
  }

  #paint(wire: Wire, line: SVGGElement): void {
    const { look, active, lit } = this.faces.wire(wire.link);
    const state = [look && `passed hue-${look.hue}`, active && 'active', lit && 'lit'].filter(Boolean).join(' ');
    set(line.children[0]!, { class: `link ${state}` });
    set(line.children[1]!, { class: `head ${state}` });
  }

  /** One frame of the way from the old places to the new ones. */
  #glide(): void {
    const { from, at } = this.#morph!;
    const t = Math.min(1, (performance.now() - at) / MORPH_MS);
    const eased = t * t * (3 - 2 * t);
    for (const [key, glyph] of this.#glyphs) {
      const [x, y] = from.get(key) ?? [glyph.item.x, glyph.item.y];
      glyph.move(x + (glyph.item.x - x) * eased, y + (glyph.item.y - y) * eased);
    }
    this.#layers.wires.style.opacity = this.#layers.hulls.style.opacity = String(t < 1 ? eased ** 3 : 1);
    if (t < 1) this.#soon();
    else this.#morph = undefined;
  }
}

function linkKey(from: string, to: string, order: number): string {
  return `${from}\n${to}\n${order}`;
}

function isLeaf({ kind }: Node): boolean {
  return kind === 'leaf' || kind === 'constant';
}

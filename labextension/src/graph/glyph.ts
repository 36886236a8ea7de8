// One node as it is drawn: a form per kind, its lines of text, the pill with its gradient, badges and hatching.

import { s, say, set } from './dom';
import type { Node } from './diagram';
import { clip } from './format';
import type { Look } from './colour';
import { FREED } from './say';

/** A node and where it stands. A chip is a small copy of a shared leaf beside one of its uses. */
export interface Item {
  key: string;
  node: Node;
  x: number;
  y: number;
  width: number;
  height: number;
  chip: boolean;
}

/** What a node shows at the moment. */
export interface Face {
  /** The whole story in words, for those who cannot see it. */
  label: string;
  /** What the gradient's pill says; no pill where nothing will ever arrive. */
  pill?: string;
  look?: Look;
  /** The colour of its outline: of its gradient, or of the one on its way. */
  hue?: Look['hue'];
  waiting: boolean;
  /** The pill shows what `.grad` holds, not what this pass has brought. */
  stored: boolean;
  freed: boolean;
  /** `.grad` holds something from an earlier backward. */
  leftover: boolean;
  active: boolean;
  lit: boolean;
  /** What the doctor says about it. */
  badge?: string;
}

const LINE = 15;
const PILL = { height: 18, character: 6.65, padding: 8, overlap: 7 };
const HATCH = 7;

export class Glyph {
  readonly element: SVGGElement;
  readonly #body: SVGElement;
  readonly #pill: SVGGElement;
  readonly #hatch: SVGGElement;
  readonly #tip = s('title');
  readonly #badge: SVGGElement;

  constructor(
    readonly item: Item,
    readonly detailed: boolean,
  ) {
    const { node, chip } = item;
    this.#body = form(item);
    this.#pill = s('g', { class: 'pill', 'data-role': 'grad' });
    this.#hatch = s('g', { class: 'hatch' });
    this.#badge = s('g', { class: 'badge' });
    this.element = s('g', {
      'data-role': chip ? 'chip' : 'node',
      'data-key': item.key,
      'data-value': node.value,
      'data-kind': node.kind,
      role: 'button',
      tabindex: -1,
      'aria-expanded': node.kind === 'group' ? 'false' : undefined,
    });
    if (node.kind === 'group' && detailed) this.element.append(rect(item, 'behind', 4, -4));
    this.element.append(this.#tip, this.#body, this.#hatch);
    if (!detailed) return;
    this.element.append(...(chip ? [caption(item, 0, node.title, 'line')] : texts(item)), this.#pill, this.#badge);
  }

  move(x: number, y: number): void {
    this.element.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  }

  update(face: Face): void {
    const { kind } = this.item.node;
    const hue = face.hue && `hue-${face.hue}`;
    const classes = ['node', kind, this.item.chip && 'chip', hue, face.look && 'touched', face.active && 'active'];
    classes.push(face.freed && 'freed', face.lit && 'lit', face.leftover && 'over', this.detailed ? '' : 'dot');
    set(this.element, { class: classes.filter(Boolean).join(' '), 'aria-label': face.label });
    say(this.#tip, face.freed ? FREED : '');
    this.#body.style.setProperty('--t', String(face.look?.strength ?? 0));
    if (face.freed !== this.#hatch.hasChildNodes())
      this.#hatch.replaceChildren(...(face.freed ? [hatching(this.item)] : []));
    if (!this.detailed || this.item.chip) return;
    this.#drawPill(face);
    this.#drawBadge(face.badge);
  }

  /** A little jump when a gradient arrives. */
  arrive(): void {
    this.#pill.classList.remove('arrived');
    this.#pill.getBoundingClientRect?.();
    this.#pill.classList.add('arrived');
  }

  #drawPill({ pill, look, waiting, leftover, stored }: Face): void {
    if (pill === undefined) return this.#pill.replaceChildren();
    const odd = look?.odd;
    const over = leftover && stored;
    const strong = (look?.strength ?? 0) > 0.55 && !over;
    const classes = ['pill', waiting && 'waiting', odd, strong && 'strong', over && 'over'];
    if (this.#pill.classList.contains('arrived')) classes.push('arrived');
    this.#pill.setAttribute('class', classes.filter(Boolean).join(' '));
    this.#pill.style.setProperty('--t', String(look?.strength ?? 0));
    if (this.#pill.textContent === pill && this.#pill.dataset['odd'] === (odd ?? '')) return;
    this.#pill.dataset['odd'] = odd ?? '';
    this.#pill.replaceChildren(...pillShapes(pill, this.item.height / 2, odd === 'nan' || odd === 'inf'));
  }

  #drawBadge(title: string | undefined): void {
    if (!title) return this.#badge.replaceChildren();
    if (this.#badge.hasChildNodes()) return say(this.#badge.lastElementChild!, title);
    const [x, y] = [this.item.width / 2 - 2, -this.item.height / 2 + 1];
    this.#badge.append(
      s('path', { d: `M${x} ${y - 10}l10 17h-20z` }),
      s('text', { x, y: y + 5 }, '!'),
      s('title', {}, title),
    );
  }
}

/** Op: rounded. Leaf: a stadium. Constant: square and dashed. Group: a stack. */
function form(item: Item): SVGElement {
  const { kind } = item.node;
  const radius = kind === 'leaf' ? Math.min(18, item.height / 2) : kind === 'constant' ? 0 : 7;
  return rect(item, 'body-shape', 0, 0, radius);
}

function rect({ width, height }: Item, name: string, dx: number, dy: number, radius = 7): SVGRectElement {
  return s('rect', { class: name, x: -width / 2 + dx, y: -height / 2 + dy, width, height, rx: radius });
}

/** What a box must measure so that a pill of so many characters fits to its lower edge. */
export function withPill<B extends { width: number; height: number }>(box: B, characters: number): B {
  if (characters === 0) return box;
  return { ...box, width: Math.max(box.width, pillWidth(characters) + 8), height: box.height + PILL.overlap };
}

function texts(item: Item): SVGElement[] {
  const { node, height } = item;
  const lines = node.lines.filter(Boolean);
  // The pill hangs over the lower edge, so the text stands in the middle of what is above it.
  const top = -height / 2 + (node.height - lines.length * LINE) / 2;
  const title = node.kind === 'group' ? `▸ ${node.title}` : node.title;
  return [title, ...lines].map((text, i) => caption(item, top + i * LINE, text, i === 0 ? 'title' : 'line'));
}

function pillWidth(characters: number): number {
  return Math.max(24, characters * PILL.character + 2 * PILL.padding);
}

function caption({ width }: Item, y: number, text: string, name: string): SVGTextElement {
  const room = Math.max(4, Math.floor((width - 8) / (name === 'title' ? 6.6 : 6.4)));
  return s('text', { class: name, y: y.toFixed(1), dy: '.34em' }, clip(text, room));
}

function pillShapes(text: string, y: number, alarming: boolean): SVGElement[] {
  const width = pillWidth(text.length);
  const [w, h] = [width / 2, PILL.height / 2];
  const shape = alarming
    ? s('path', { d: `M${-w - 5} ${y}l7 ${-h}h${2 * w - 4}l7 ${h}l-7 ${h}h${-2 * w + 4}z` })
    : s('rect', { x: -w, y: y - h, width, height: PILL.height, rx: h });
  return [shape, s('text', { y, dy: '.36em' }, text)];
}

/** Diagonal strokes, cut off at the node's own edges: a pattern would need an id. */
export function hatching({ width, height }: Pick<Item, 'width' | 'height'>): SVGPathElement {
  const [w, h] = [width / 2 - 3, height / 2 - 3];
  const strokes: string[] = [];
  for (let c = -w - h + HATCH; c < w + h; c += HATCH) {
    const [x0, x1] = [Math.max(-w, c - h), Math.min(w, c + h)];
    strokes.push(`M${x0} ${c - x0}L${x1} ${c - x1}`);
  }
  return s('path', { d: strokes.join('') });
}

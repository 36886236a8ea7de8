// Layered layout of an autograd graph in near-linear time; nbautograd/export/graph is its twin, coordinate for coordinate.

import { placeX, placeY } from './columns';
import { addDummies, connect, dummies, readLinks, withChips, type Chains, type Items, type Link } from './layers';
import { split, untangle, type Rows } from './untangle';

export interface Box {
  key: string;
  width: number;
  height: number;
  /** Computed from parameters alone (a transposed weight): drawn next to its consumer, not at the top. */
  weightOnly?: boolean;
  /** Width of its reference chips. */
  chipWidth?: number;
}

export interface Edge {
  from: string;
  to: string;
  /** Operand position at the consumer. */
  order: number;
}

export interface LayoutInput {
  /** In tape order: every edge leads from an earlier box to a later one. */
  boxes: Box[];
  edges: Edge[];
}

export interface Placed {
  key: string;
  /** Centre. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** For a reference chip (key `${chipOf}@${consumer}`): the shared leaf that it stands for. */
  chipOf?: string;
}

export interface Route {
  /** Key of the placed box that the route starts at: the chip where there is one. */
  from: string;
  to: string;
  order: number;
  points: [number, number][];
}

export interface Layout {
  boxes: Placed[];
  routes: Route[];
  width: number;
  height: number;
}

/** NOTE [Layout]
 *
 * A layered drawing after Sugiyama, made for graphs that come from a tape and kept near-linear throughout:
 *
 * 1. The tape is topologically sorted, so one pass gives every box its layer by the longest path. What depends on
 *    leaves alone is then pulled down next to its consumer.
 * 2. A leaf that many ops use would pull long edges through everything. Far uses get a *reference chip* instead.
 * 3. An edge across several layers runs through dummies, one chain per source, so that fan-out stays linear.
 * 4. Parts that nothing connects are laid out alone and packed in rows, in tape order.
 * 5. Layers are ordered by barycentre sweeps and swaps of neighbours; the order with the fewest crossings wins.
 *    An op's operands end at ports from left to right, so a crossing count also keeps the left operand left.
 * 6. Within a layer, x minimises the weighted squared distance to the neighbours' x under the order (isotonic
 *    regression by pool-adjacent-violators). An op's deepest operand weighs most: the computation runs straight down.
 *
 * No recursion anywhere: a chain of 100,000 ops is a normal input.
 */
const PART_GAP = 56;
const PORT_GAP = 20;
/** Width to height of the picture that parts are packed into. */
const ASPECT = 1.8;

export function layout(input: LayoutInput): Layout {
  const items = withChips(input.boxes, readLinks(input));
  const chains = addDummies(items);
  const segments = connect(items, chains);
  const parts = split(items, segments);
  for (const rows of parts) {
    untangle(rows, segments);
    placeX(rows, items, segments);
    placeY(rows, items, segments);
  }
  const [width, height] = pack(parts, items.boxes);
  const visible = items.boxes.slice(0, chains.firstDummy);
  const ports = portsOf(items);
  const routes = items.links.map((link, i) => route(link, ports[i]!, items, chains));
  for (const box of visible) [box.x, box.y] = [round(box.x), round(box.y)];
  return { boxes: visible, routes, width: round(width), height: round(height) };
}

/** Packs the parts in rows, in tape order, into a picture of about `ASPECT`; returns its size. */
function pack(parts: Rows[], boxes: Placed[]): [width: number, height: number] {
  const sizes = parts.map((rows) => bounds(rows, boxes));
  const area = sizes.reduce((sum, [left, right, bottom]) => sum + (right - left + PART_GAP) * (bottom + PART_GAP), 0);
  const limit = sizes.reduce((most, [left, right]) => Math.max(most, right - left), Math.sqrt(area * ASPECT));
  let [x, y, width, height] = [0, 0, 0, 0];
  parts.forEach((rows, i) => {
    const [left, right, bottom] = sizes[i]!;
    if (x > 0 && x + right - left > limit) [x, y] = [0, height + PART_GAP];
    for (const row of rows)
      for (const item of row) {
        boxes[item]!.x += x - left;
        boxes[item]!.y += y;
      }
    width = Math.max(width, x + right - left);
    height = Math.max(height, y + bottom);
    x += right - left + PART_GAP;
  });
  return [width, height];
}

function bounds(rows: Rows, boxes: Placed[]): [left: number, right: number, bottom: number] {
  let [left, right, bottom] = [Infinity, -Infinity, 0];
  for (const row of rows)
    for (const item of row) {
      const { x, y, width, height } = boxes[item]!;
      left = Math.min(left, x - width / 2);
      right = Math.max(right, x + width / 2);
      bottom = Math.max(bottom, y + height / 2);
    }
  return [left, right, bottom];
}

/** From the source's foot along its dummies to the consumer's port; beside higher boxes it runs straight. */
function route(link: Link, port: number, items: Items, chains: Chains): Route {
  const { boxes, slack } = items;
  const [from, to] = [boxes[link.from]!, boxes[link.to]!];
  const [foot, top] = [from.y + from.height / 2, to.y - to.height / 2];
  const points: [number, number][] = [[from.x, foot]];
  const lead = (x: number, y: number): void => {
    const [before, last] = points.slice(-2);
    if (last?.[0] === x && before![0] === x) points.pop();
    points.push([x, y]);
  };
  if (slack[link.from]) lead(from.x, foot + slack[link.from]!);
  const [start, end] = dummies(link, items, chains);
  for (let item = start; item < end; item++) {
    const { x, y, height } = boxes[item]!;
    lead(x, y - height / 2);
    lead(x, y + height / 2);
  }
  if (slack[link.to]) lead(port, top - slack[link.to]!);
  lead(port, top);
  const rounded = points.map(([x, y]): [number, number] => [round(x), round(y)]);
  return { from: from.key, to: to.key, order: link.order, points: rounded };
}

/** Where on its consumer's top each link ends: operands from left to right around the centre. */
function portsOf({ boxes, links }: Items): number[] {
  const ports: number[] = [];
  while (ports.length < links.length) {
    const { to } = links[ports.length]!;
    const { x, width } = boxes[to]!;
    let count = 1;
    while (links[ports.length + count]?.to === to) count++;
    const gap = Math.min(PORT_GAP, (width - PORT_GAP) / count);
    for (let i = 0; i < count; i++) ports.push(x + (i - (count - 1) / 2) * gap);
  }
  return ports;
}

function round(x: number): number {
  return Math.floor(x * 100 + 0.5) / 100;
}

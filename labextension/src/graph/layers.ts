// From boxes and edges to layers: longest path, reference chips, dummies. Step 1 to 3 of NOTE [Layout].

import type { Box, LayoutInput, Placed } from './layout';

const DUMMY_WIDTH = 10;
const CHIP_WIDTH = 64;
const CHIP_HEIGHT = 22;
/** A use of a leaf becomes a chip when layers crossed × other uses exceed this. */
const CHIP_COST = 6;
/** How many dummies there may be per box; the longest edges beyond that run straight. */
const DUMMIES_PER_BOX = 6;

/** Boxes, then chips, then dummies, by number. */
export interface Items {
  boxes: Placed[];
  /** Of boxes and chips. */
  links: Link[];
  layer: number[];
  /** Length of the longest path from the top: 0 for leaves and chips, the source's for dummies. */
  depth: number[];
  /** How much higher the row is than the box, at its top and at its foot. Set with y. */
  slack: number[];
}

export interface Link {
  from: number;
  to: number;
  order: number;
}

/** Edges between neighbouring layers. A slot is one port of its lower item; slots are sorted by lower item, then port. */
export interface Segments {
  upper: Int32Array;
  lower: Int32Array;
  /** Item i's slots are `inStart[i] … inStart[i + 1] - 1`. */
  inStart: Int32Array;
  outStart: Int32Array;
  outSlot: Int32Array;
  /** The item's place in its row, and the slot's place among all ports of the row; kept by `number`. */
  place: Int32Array;
  port: Int32Array;
  /** 1 for the slots of a lower item's deepest operands: the computation's spine. */
  main: Uint8Array;
}

export function readLinks({ boxes, edges }: LayoutInput): Link[] {
  const index = new Map(boxes.map((box, i) => [box.key, i]));
  const links = edges.map(({ from, to, order }) => {
    const link = { from: index.get(from) ?? -1, to: index.get(to) ?? -1, order };
    if (link.from < 0 || link.from >= link.to) throw new RangeError(`edge ${from} → ${to} does not follow tape order`);
    return link;
  });
  return links.sort((a, b) => a.to - b.to || a.order - b.order);
}

/** Longest path from the top; as layers, with what hangs on leaves alone pulled down to its first consumer. */
function layersOf(boxes: Box[], links: Link[], uses: number[]): { depth: number[]; layer: number[] } {
  const depth: number[] = new Array(boxes.length).fill(0);
  const fed: number[] = new Array(boxes.length).fill(0);
  const free: number[] = new Array(boxes.length).fill(1);
  const shared = (i: number): boolean => fed[i] === 1 && uses[i]! > 1 && !boxes[i]!.weightOnly;
  for (const { from, to } of links) {
    depth[to] = Math.max(depth[to]!, depth[from]! + 1);
    if (!boxes[to]!.weightOnly && (!free[from] || shared(from))) free[to] = 0;
    fed[to] = 1;
  }
  const layer = depth.slice();
  const lowest: number[] = new Array(boxes.length).fill(Infinity);
  for (let box = boxes.length - 1, i = links.length - 1; box >= 0; box--) {
    if (free[box] && lowest[box]! < Infinity) layer[box] = lowest[box]!;
    for (; i >= 0 && links[i]!.to === box; i--) {
      const { from } = links[i]!;
      lowest[from] = Math.min(lowest[from]!, layer[box]! - 1);
    }
  }
  return { depth, layer };
}

/** How many different consumers each box has. */
function countUses(count: number, links: Link[]): number[] {
  const uses: number[] = new Array(count).fill(0);
  const last: number[] = new Array(count).fill(-1);
  for (const { from, to } of links) {
    if (last[from] !== to) uses[from]!++;
    last[from] = to;
  }
  return uses;
}

/** The boxes in their layers, and a chip for each far use of a shared leaf. */
export function withChips(boxes: Box[], links: Link[]): Items {
  const uses = countUses(boxes.length, links);
  const { depth, layer } = layersOf(boxes, links, uses);
  const leaf: boolean[] = boxes.map(() => true);
  const nearest: number[] = new Array(boxes.length).fill(-1);
  for (const { from, to } of links) {
    leaf[to] = boxes[to]!.weightOnly ?? false;
    if (nearest[from]! < 0 || layer[to]! < layer[nearest[from]!]!) nearest[from] = to;
  }
  const placed: Placed[] = boxes.map(({ key, width, height }) => ({ key, x: 0, y: 0, width, height }));
  const chips = new Map<string, number>();
  const joined = links.map((link) => {
    const { from, to, order } = link;
    const cost = (uses[from]! - 1) * (layer[to]! - layer[from]!);
    if (!leaf[from] || nearest[from] === to || cost <= CHIP_COST) return link;
    const { key, chipWidth } = boxes[from]!;
    const chip = `${key}@${boxes[to]!.key}`;
    if (!chips.has(chip)) {
      chips.set(chip, placed.length);
      placed.push({ key: chip, x: 0, y: 0, width: chipWidth ?? CHIP_WIDTH, height: CHIP_HEIGHT, chipOf: key });
      layer.push(layer[to]! - 1);
      depth.push(0);
    }
    return { from: chips.get(chip)!, to, order };
  });
  return { boxes: placed, links: joined, layer, depth, slack: [] };
}

/** For each box the first dummy of its chain, or -1. */
export interface Chains {
  first: Int32Array;
  length: Int32Array;
  firstDummy: number;
}

export function addDummies({ boxes, links, layer, depth }: Items): Chains {
  const firstDummy = boxes.length;
  const first = new Int32Array(firstDummy).fill(-1);
  const length = new Int32Array(firstDummy);
  for (const { from, to } of links) length[from] = Math.max(length[from]!, layer[to]! - layer[from]! - 1);
  const sources = [...length.keys()].filter((i) => length[i]! > 0).sort((a, b) => length[a]! - length[b]! || a - b);
  let left = DUMMIES_PER_BOX * firstDummy;
  for (const source of sources) {
    left -= length[source]!;
    if (left < 0) break;
    first[source] = boxes.length;
    for (let i = 1; i <= length[source]!; i++) {
      boxes.push({ key: '', x: 0, y: 0, width: DUMMY_WIDTH, height: 0 });
      layer.push(layer[source]! + i);
      depth.push(depth[source]!);
    }
  }
  return { first, length, firstDummy };
}

/** The dummies, from top to bottom, that lead from a link's source to the layer above its consumer. */
export function dummies({ from, to }: Link, { layer }: Items, { first }: Chains): [start: number, end: number] {
  const start = first[from]!;
  return start < 0 ? [0, 0] : [start, start + layer[to]! - layer[from]! - 1];
}

export function connect(items: Items, chains: Chains): Segments {
  const pairs: [upper: number, lower: number][] = [];
  for (let box = 0; box < chains.firstDummy; box++) {
    const first = chains.first[box]!;
    if (first < 0) continue;
    for (let i = 0; i < chains.length[box]!; i++) pairs.push([i ? first + i - 1 : box, first + i]);
  }
  for (const link of items.links) {
    const [start, end] = dummies(link, items, chains);
    const upper = end > start ? end - 1 : link.from;
    if (items.layer[upper]! + 1 === items.layer[link.to]) pairs.push([upper, link.to]);
  }
  const count = items.boxes.length;
  const [inStart, bySlot] = sortInto(count, pairs.map(([, lower]) => lower));
  const upper = Int32Array.from(bySlot, (i) => pairs[i]![0]);
  const lower = Int32Array.from(bySlot, (i) => pairs[i]![1]);
  const [outStart, outSlot] = sortInto(count, upper);
  const [place, port] = [new Int32Array(count), new Int32Array(pairs.length)];
  return { upper, lower, inStart, outStart, outSlot, place, port, main: mainSlots(items.depth, upper, inStart) };
}

function mainSlots(depth: number[], upper: Int32Array, inStart: Int32Array): Uint8Array {
  const main = new Uint8Array(upper.length);
  for (let item = 0; item + 1 < inStart.length; item++) {
    let deepest = 0;
    for (let slot = inStart[item]!; slot < inStart[item + 1]!; slot++) deepest = Math.max(deepest, depth[upper[slot]!]!);
    for (let slot = inStart[item]!; slot < inStart[item + 1]!; slot++) main[slot] = depth[upper[slot]!] === deepest ? 1 : 0;
  }
  return main;
}

/** Counting sort: where each of `count` bins starts, and the indices of `bins` bin by bin. */
function sortInto(count: number, bins: ArrayLike<number>): [Int32Array, Int32Array] {
  const start = new Int32Array(count + 1);
  for (let i = 0; i < bins.length; i++) start[bins[i]! + 1]!++;
  for (let i = 0; i < count; i++) start[i + 1]! += start[i]!;
  const next = start.slice();
  const sorted = new Int32Array(bins.length);
  for (let i = 0; i < bins.length; i++) sorted[next[bins[i]!]!++] = i;
  return [start, sorted];
}

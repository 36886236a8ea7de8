// The order of the items within their layers, with few crossings. Step 4 and 5 of NOTE [Layout].

import type { Items, Segments } from './layers';

const SWEEPS = 12;
/** Rounds without fewer crossings after which the sweeps end. */
const PATIENCE = 4;
const SWAP_ROUNDS = 3;
/** Swaps are not tried where they would compare more pairs of edges than this. */
const SWAP_PAIRS = 256;

export type Rows = number[][];

/** The connected parts, each as rows of items: depth first from the results, so that operands stand left to right. */
export function split(items: Items, segments: Segments): Rows[] {
  const part = partOf(items, segments);
  const top: number[] = [];
  items.layer.forEach((layer, i) => (top[part[i]!] = Math.min(top[part[i]!] ?? Infinity, layer)));
  const parts: Rows[] = top.map(() => []);
  for (const item of depthFirst(segments)) {
    const rows = parts[part[item]!]!;
    const at = items.layer[item]! - top[part[item]!]!;
    while (rows.length <= at) rows.push([]);
    rows[at]!.push(item);
  }
  return parts;
}

/** Which connected part each item belongs to, numbered in tape order. */
function partOf({ boxes, links }: Items, { upper, lower }: Segments): number[] {
  const root = Int32Array.from(boxes.keys());
  const find = (i: number): number => {
    while (root[i] !== i) i = root[i] = root[root[i]!]!;
    return i;
  };
  const join = (a: number, b: number): void => {
    const [i, j] = [find(a), find(b)];
    root[Math.max(i, j)] = Math.min(i, j);
  };
  for (const { from, to } of links) join(from, to);
  for (let i = 0; i < upper.length; i++) join(upper[i]!, lower[i]!);
  const number = new Map<number, number>();
  return boxes.map((_, i) => {
    const r = find(i);
    if (!number.has(r)) number.set(r, number.size);
    return number.get(r)!;
  });
}

/** All items, each after those above it that lead to it. */
function depthFirst({ upper, inStart, outStart }: Segments): number[] {
  const count = inStart.length - 1;
  const order: number[] = [];
  const next = inStart.slice(0, count);
  const seen = new Uint8Array(count);
  for (let sink = 0; sink < count; sink++) {
    if (outStart[sink] !== outStart[sink + 1]) continue;
    const stack = [sink];
    while (stack.length) {
      const item = stack[stack.length - 1]!;
      if (next[item]! < inStart[item + 1]!) {
        const above = upper[next[item]!++]!;
        if (!seen[above]) stack.push(above);
        seen[above] = 1;
      } else order.push(stack.pop()!);
    }
  }
  return order;
}

/** Leaves the rows in the best order that was met. */
export function untangle(rows: Rows, segments: Segments): void {
  for (const row of rows) number(row, segments);
  let fewest = crossings(rows, segments);
  let best = rows.map((row) => row.slice());
  for (let round = 0, stale = 0; fewest > 0 && round < SWEEPS && stale < PATIENCE; round++, stale++) {
    if (round % 2) for (let r = rows.length - 2; r >= 0; r--) sortRow(rows[r]!, segments, meanBelow);
    else for (let r = 1; r < rows.length; r++) sortRow(rows[r]!, segments, meanAbove);
    const count = crossings(rows, segments);
    if (count >= fewest) continue;
    [fewest, best, stale] = [count, rows.map((row) => row.slice()), -1];
  }
  best.forEach((row, r) => number((rows[r] = row), segments));
  for (let round = 0; fewest > 0 && round < SWAP_ROUNDS && swapNeighbours(rows, segments); round++);
}

/** Writes down where the items of a row, and the ports at their tops, stand. */
function number(row: number[], { place, port, inStart }: Segments): void {
  let ports = 0;
  for (let i = 0; i < row.length; i++) {
    const item = row[i]!;
    place[item] = i;
    for (let slot = inStart[item]!; slot < inStart[item + 1]!; slot++) port[slot] = ports++;
  }
}

type Mean = (item: number, segments: Segments) => number;

const meanAbove: Mean = (item, { upper, inStart, place }) => {
  let sum = 0;
  for (let slot = inStart[item]!; slot < inStart[item + 1]!; slot++) sum += place[upper[slot]!]!;
  return sum / (inStart[item + 1]! - inStart[item]!);
};

const meanBelow: Mean = (item, { port, outStart, outSlot }) => {
  let sum = 0;
  for (let i = outStart[item]!; i < outStart[item + 1]!; i++) sum += port[outSlot[i]!]!;
  return sum / (outStart[item + 1]! - outStart[item]!);
};

/** Sorts by the mean place of the neighbours; items without neighbours stay where they are. */
function sortRow(row: number[], segments: Segments, mean: Mean): void {
  const means = row.map((item) => mean(item, segments));
  const movable = [...row.keys()].filter((i) => means[i] === means[i]);
  const sorted = movable.slice().sort((a, b) => means[a]! - means[b]!);
  const old = row.slice();
  movable.forEach((at, i) => (row[at] = old[sorted[i]!]!));
  number(row, segments);
}

/** Pairs of edges that cross: inversions between ports and the places above them, by a Fenwick tree. */
function crossings(rows: Rows, { upper, inStart, place }: Segments): number {
  let count = 0;
  for (let r = 1; r < rows.length; r++) {
    const size = rows[r - 1]!.length;
    const tree = new Int32Array(size + 1);
    let total = 0;
    for (const item of rows[r]!)
      for (let slot = inStart[item]!; slot < inStart[item + 1]!; slot++, total++) {
        const at = place[upper[slot]!]! + 1;
        count += total;
        for (let i = at; i > 0; i -= i & -i) count -= tree[i]!;
        for (let i = at; i <= size; i += i & -i) tree[i]!++;
      }
  }
  return count;
}

/** Swaps neighbours in a row where that removes crossings; whether it did anywhere. */
function swapNeighbours(rows: Rows, segments: Segments): boolean {
  let improved = false;
  for (const row of rows) {
    for (let i = 1; i < row.length; i++) {
      const [a, b] = [row[i - 1]!, row[i]!];
      if (gain(a, b, segments) <= 0) continue;
      [row[i - 1], row[i]] = [b, a];
      improved = true;
    }
    number(row, segments);
  }
  return improved;
}

/** How many crossings go when neighbours `a` and `b` change places. */
function gain(a: number, b: number, { upper, inStart, outStart, outSlot, place, port }: Segments): number {
  let sum = 0;
  if ((inStart[a + 1]! - inStart[a]!) * (inStart[b + 1]! - inStart[b]!) <= SWAP_PAIRS)
    for (let i = inStart[a]!; i < inStart[a + 1]!; i++)
      for (let j = inStart[b]!; j < inStart[b + 1]!; j++) sum += Math.sign(place[upper[i]!]! - place[upper[j]!]!);
  if ((outStart[a + 1]! - outStart[a]!) * (outStart[b + 1]! - outStart[b]!) <= SWAP_PAIRS)
    for (let i = outStart[a]!; i < outStart[a + 1]!; i++)
      for (let j = outStart[b]!; j < outStart[b + 1]!; j++) sum += Math.sign(port[outSlot[i]!]! - port[outSlot[j]!]!);
  return sum;
}

// Layered layout of an autograd graph in near-linear time; nbautograd/export/layout.py is its twin, coordinate for coordinate.

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
 *    regression by pool-adjacent-violators). Leaves weigh little, so that the computation runs straight down.
 *
 * No recursion anywhere: a chain of 100,000 ops is a normal input.
 */
const LAYER_GAP = 38;
const BOX_GAP = 22;
const PART_GAP = 56;
const PORT_GAP = 20;
const DUMMY_WIDTH = 10;
const CHIP_WIDTH = 64;
const CHIP_HEIGHT = 22;
/** A use of a leaf becomes a chip when layers crossed × other uses exceed this. */
const CHIP_COST = 6;
/** How many dummies there may be per box; the longest edges beyond that run straight. */
const DUMMIES_PER_BOX = 6;
const SWEEPS = 12;
/** Rounds without fewer crossings after which the sweeps end. */
const PATIENCE = 4;
const SWAP_ROUNDS = 3;
/** Swaps are not tried where they would compare more pairs of edges than this. */
const SWAP_PAIRS = 256;
const X_ROUNDS = 6;
const SPINE = 64;
/** Width to height of the picture that parts are packed into. */
const ASPECT = 1.8;

/** Boxes, then chips, then dummies, by number. */
interface Items {
  boxes: Placed[];
  /** Of boxes and chips. */
  links: Link[];
  layer: number[];
  /** 1 for what the computation runs through: ops and dummies; 0 for leaves and chips. */
  spine: number[];
}

interface Link {
  from: number;
  to: number;
  order: number;
}

/** Edges between neighbouring layers. A slot is one port of its lower item; slots are sorted by lower item, then port. */
interface Segments {
  upper: Int32Array;
  lower: Int32Array;
  /** Item i's slots are `inStart[i] … inStart[i + 1] - 1`. */
  inStart: Int32Array;
  outStart: Int32Array;
  outSlot: Int32Array;
  /** The item's place in its row, and the slot's place among all ports of the row; kept by `number`. */
  place: Int32Array;
  port: Int32Array;
}

export function layout(input: LayoutInput): Layout {
  const items = withChips(input.boxes, readLinks(input));
  const chains = addDummies(items);
  const segments = connect(items, chains);
  const parts = split(items, segments);
  for (const rows of parts) {
    untangle(rows, segments);
    placeX(rows, items, segments);
    placeY(rows, items);
  }
  const [width, height] = pack(parts, items.boxes);
  const visible = items.boxes.slice(0, chains.firstDummy);
  const ports = portsOf(items);
  const routes = items.links.map((link, i) => route(link, ports[i]!, items, chains));
  for (const box of visible) [box.x, box.y] = [round(box.x), round(box.y)];
  return { boxes: visible, routes, width: round(width), height: round(height) };
}

// --- layers ---

function readLinks({ boxes, edges }: LayoutInput): Link[] {
  const index = new Map(boxes.map((box, i) => [box.key, i]));
  const links = edges.map(({ from, to, order }) => {
    const link = { from: index.get(from) ?? -1, to: index.get(to) ?? -1, order };
    if (link.from < 0 || link.from >= link.to) throw new RangeError(`edge ${from} → ${to} does not follow tape order`);
    return link;
  });
  return links.sort((a, b) => a.to - b.to || a.order - b.order);
}

/** Longest path from the top, then what hangs on leaves alone down to its first consumer. */
function layersOf(boxes: Box[], links: Link[], uses: number[]): number[] {
  const layer: number[] = new Array(boxes.length).fill(0);
  const fed: number[] = new Array(boxes.length).fill(0);
  const free: number[] = new Array(boxes.length).fill(1);
  const shared = (i: number): boolean => fed[i] === 1 && uses[i]! > 1 && !boxes[i]!.weightOnly;
  for (const { from, to } of links) {
    layer[to] = Math.max(layer[to]!, layer[from]! + 1);
    if (!boxes[to]!.weightOnly && (!free[from] || shared(from))) free[to] = 0;
    fed[to] = 1;
  }
  const lowest: number[] = new Array(boxes.length).fill(Infinity);
  for (let box = boxes.length - 1, i = links.length - 1; box >= 0; box--) {
    if (free[box] && lowest[box]! < Infinity) layer[box] = lowest[box]!;
    for (; i >= 0 && links[i]!.to === box; i--) {
      const { from } = links[i]!;
      lowest[from] = Math.min(lowest[from]!, layer[box]! - 1);
    }
  }
  return layer;
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
function withChips(boxes: Box[], links: Link[]): Items {
  const uses = countUses(boxes.length, links);
  const layer = layersOf(boxes, links, uses);
  const leaf: boolean[] = boxes.map(() => true);
  const nearest: number[] = new Array(boxes.length).fill(-1);
  for (const { from, to } of links) {
    leaf[to] = boxes[to]!.weightOnly ?? false;
    if (nearest[from]! < 0 || layer[to]! < layer[nearest[from]!]!) nearest[from] = to;
  }
  const placed: Placed[] = boxes.map(({ key, width, height }) => ({ key, x: 0, y: 0, width, height }));
  const spine = leaf.map((is) => (is ? 0 : 1));
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
      spine.push(0);
    }
    return { from: chips.get(chip)!, to, order };
  });
  return { boxes: placed, links: joined, layer, spine };
}

/** For each box the first dummy of its chain, or -1. */
interface Chains {
  first: Int32Array;
  length: Int32Array;
  firstDummy: number;
}

function addDummies({ boxes, links, layer, spine }: Items): Chains {
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
      spine.push(1);
    }
  }
  return { first, length, firstDummy };
}

/** The dummies, from top to bottom, that lead from a link's source to the layer above its consumer. */
function dummies({ from, to }: Link, { layer }: Items, { first }: Chains): [start: number, end: number] {
  const start = first[from]!;
  return start < 0 ? [0, 0] : [start, start + layer[to]! - layer[from]! - 1];
}

function connect(items: Items, chains: Chains): Segments {
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
  return { upper, lower, inStart, outStart, outSlot, place, port };
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

// --- order ---

type Rows = number[][];

/** The connected parts, each as rows of items: depth first from the results, so that operands stand left to right. */
function split(items: Items, segments: Segments): Rows[] {
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
function untangle(rows: Rows, segments: Segments): void {
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

// --- coordinates ---

/** x of every item: rows take turns to follow the row above and the row below. */
function placeX(rows: Rows, items: Items, segments: Segments): void {
  for (const row of rows) fit(row, items, row.map(() => 0), row.map(() => 1));
  for (let round = 0; round < X_ROUNDS; round++) {
    if (round % 2) for (let r = rows.length - 2; r >= 0; r--) follow(rows[r]!, items, segments, true);
    else for (let r = 1; r < rows.length; r++) follow(rows[r]!, items, segments, false);
  }
}

/** Moves a row towards the mean x of its neighbours below or above; a leaf pulls and resists little. */
function follow(row: number[], items: Items, { upper, lower, inStart, outStart, outSlot }: Segments, down: boolean): void {
  const { boxes, spine } = items;
  const start = down ? outStart : inStart;
  const weights: number[] = [];
  const wanted = row.map((item) => {
    let [sum, weight] = [0, 0];
    for (let i = start[item]!; i < start[item + 1]!; i++) {
      const other = down ? lower[outSlot[i]!]! : upper[i]!;
      const pull = spine[other] ? SPINE : 1;
      sum += pull * boxes[other]!.x;
      weight += pull;
    }
    weights.push(spine[item] && weight ? SPINE : 1);
    return weight ? sum / weight : boxes[item]!.x;
  });
  fit(row, items, wanted, weights);
}

/** Sets x as near to `wanted` as the order and the gaps allow: pool adjacent violators. */
function fit(row: number[], { boxes }: Items, wanted: number[], weights: number[]): void {
  const shift: number[] = [];
  const [mean, weight, size]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < row.length; i++) {
    shift.push(i ? shift[i - 1]! + separation(boxes[row[i - 1]!]!, boxes[row[i]!]!) : 0);
    let [m, w, n] = [wanted[i]! - shift[i]!, weights[i]!, 1];
    while (mean.length && mean[mean.length - 1]! > m) {
      const [pm, pw] = [mean.pop()!, weight.pop()!];
      m = (pm * pw + m * w) / (pw + w);
      w += pw;
      n += size.pop()!;
    }
    mean.push(m);
    weight.push(w);
    size.push(n);
  }
  for (let block = 0, i = 0; block < mean.length; block++)
    for (const end = i + size[block]!; i < end; i++) boxes[row[i]!]!.x = mean[block]! + shift[i]!;
}

function separation(a: Placed, b: Placed): number {
  return (a.width + b.width) / 2 + (a.height && b.height ? BOX_GAP : BOX_GAP / 2);
}

/** y of every item: rows as high as their highest box. Dummies take the row's height, to lead edges past its boxes. */
function placeY(rows: Rows, { boxes }: Items): void {
  let y = 0;
  for (const row of rows) {
    const height = row.reduce((most, item) => Math.max(most, boxes[item]!.height), 0);
    for (const item of row) {
      boxes[item]!.y = y + height / 2;
      if (boxes[item]!.height === 0) boxes[item]!.height = height;
    }
    y += height + LAYER_GAP;
  }
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

/** From the source's foot along its dummies to the consumer's port. */
function route(link: Link, port: number, items: Items, chains: Chains): Route {
  const { boxes } = items;
  const [from, to] = [boxes[link.from]!, boxes[link.to]!];
  const points: [number, number][] = [[from.x, from.y + from.height / 2]];
  const [start, end] = dummies(link, items, chains);
  for (let item = start; item < end; item++) {
    const { x, y, height } = boxes[item]!;
    const straight = points.length > 1 && points[points.length - 1]![0] === x && points[points.length - 2]![0] === x;
    if (straight) points.pop();
    else points.push([x, y - height / 2]);
    points.push([x, y + height / 2]);
  }
  points.push([port, to.y - to.height / 2]);
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

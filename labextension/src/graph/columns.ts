// x and y of every item, once the order is known. Step 6 of NOTE [Layout].

import type { Items, Segments } from './layers';
import type { Placed } from './layout';
import type { Rows } from './untangle';

const LAYER_GAP = 38;
const BOX_GAP = 22;
const X_ROUNDS = 6;
/** How much stronger the deepest operand pulls than the others. */
const SPINE = 64;

/** x of every item: rows take turns to follow the row above and the row below. */
export function placeX(rows: Rows, items: Items, segments: Segments): void {
  for (const row of rows) fit(row, items, row.map(() => 0), row.map(() => 1));
  for (let round = 0; round < X_ROUNDS; round++) {
    if (round % 2) for (let r = rows.length - 2; r >= 0; r--) follow(rows[r]!, items, segments, true);
    else for (let r = 1; r < rows.length; r++) follow(rows[r]!, items, segments, false);
  }
}

/** Moves a row towards the mean x of its neighbours below or above; what is not on the spine pulls and resists little. */
function follow(row: number[], items: Items, segments: Segments, down: boolean): void {
  const { upper, lower, inStart, outStart, outSlot, main } = segments;
  const start = down ? outStart : inStart;
  const weights: number[] = [];
  const wanted = row.map((item) => {
    let [sum, weight] = [0, 0];
    for (let i = start[item]!; i < start[item + 1]!; i++) {
      const slot = down ? outSlot[i]! : i;
      const pull = main[slot] ? SPINE : 1;
      sum += pull * items.boxes[down ? lower[slot]! : upper[slot]!]!.x;
      weight += pull;
    }
    weights.push(weight && isHeavy(item, items, segments) ? SPINE : 1);
    return weight ? sum / weight : items.boxes[item]!.x;
  });
  fit(row, items, wanted, weights);
}

/** Whether an item stands on the spine: a dummy, a result, or some consumer's deepest operand. */
function isHeavy(item: number, { boxes }: Items, { outStart, outSlot, main }: Segments): boolean {
  if (boxes[item]!.height === 0 || outStart[item] === outStart[item + 1]) return true;
  for (let i = outStart[item]!; i < outStart[item + 1]!; i++) if (main[outSlot[i]!]) return true;
  return false;
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

/**
 * y of every item: rows as high as their highest box. Leaves stand on the row's foot, next to their consumers; dummies
 * take the row's height, to lead edges past its boxes.
 */
export function placeY(rows: Rows, { boxes, slack }: Items, { inStart }: Segments): void {
  let y = 0;
  for (const row of rows) {
    const height = row.reduce((most, item) => Math.max(most, boxes[item]!.height), 0);
    for (const item of row) {
      const box = boxes[item]!;
      box.height ||= height;
      const room = (height - box.height) / 2;
      const isLeaf = inStart[item] === inStart[item + 1];
      box.y = y + height / 2 + (isLeaf ? room : 0);
      slack[item] = isLeaf ? 0 : room;
    }
    y += height + LAYER_GAP;
  }
}

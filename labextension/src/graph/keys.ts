// The keyboard: arrows follow edges on a node and step elsewhere; every action of the player has a key.

import type { Player } from './player';
import type { Item } from './glyph';
import type { Scene } from './scene';

export interface Actions {
  focus(key: string): void;
  open(key: string): void;
  /** Closes the group that a node was opened from. */
  fold(key: string): void;
  escape(): boolean;
}

const PAN = 60;
const PANS: Record<string, [number, number]> = {
  ArrowLeft: [-PAN, 0],
  ArrowRight: [PAN, 0],
  ArrowUp: [0, -PAN],
  ArrowDown: [0, PAN],
};

/** Handles a key; whatever is done with it, the host must not see it again. */
export function onKey(event: KeyboardEvent, player: Player, scene: Scene, actions: Actions): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  if (!(target instanceof Element) || target.matches('select')) return;
  const onNode = target.closest('[data-key]')?.getAttribute('data-key') ?? undefined;
  const done =
    (event.key === 'Escape' && actions.escape()) ||
    (onNode !== undefined && nodeKey(event, onNode, scene, actions)) ||
    (!isNative(event, target) && (cameraKey(event, scene) || playerKey(event.key, player)));
  if (!done) return;
  event.preventDefault();
  event.stopPropagation();
}

/** Keys that a button, a tab, a slider or a scrolling pane understands by itself. */
function isNative({ key }: KeyboardEvent, target: Element): boolean {
  if (target.matches('button'))
    return key === ' ' || key === 'Enter' || (target.matches('[role=tab]') && key.startsWith('Arrow'));
  if (target.matches('input')) return /^(Arrow|Page|Home|End)/.test(key);
  return target.matches('.table-pane, .code-pane') && /^(Arrow|Page|Home|End| )/.test(key);
}

function nodeKey(event: KeyboardEvent, key: string, scene: Scene, actions: Actions): boolean {
  if (event.key === 'Enter') actions.open(key);
  else if (event.key === 'Backspace') actions.fold(key);
  else if (event.key.startsWith('Arrow') && !event.shiftKey) {
    const next = neighbour(scene, key, event.key);
    if (next !== undefined) actions.focus(next);
  } else return false;
  return true;
}

/** Up to an operand, down to a consumer, sideways to the nearest on the same level. */
function neighbour(scene: Scene, key: string, arrow: string): string | undefined {
  const item = scene.find(key);
  if (!item) return undefined;
  if (arrow === 'ArrowDown') return scene.wires.find(({ end }) => end === key)?.link.to;
  if (arrow === 'ArrowUp') return operand(scene, item);
  const side = arrow === 'ArrowLeft' ? -1 : 1;
  const level = scene.items.filter((other) => Math.abs(other.y - item.y) < 20 && (other.x - item.x) * side > 0);
  return level.sort((a, b) => (a.x - b.x) * side)[0]?.key;
}

/** The leftmost operand; from a chip, the leaf that it stands for. */
function operand(scene: Scene, item: Item): string | undefined {
  if (item.chip) return scene.find(item.node.key)?.key;
  const ways = scene.wires.filter(({ link }) => link.to === item.key);
  return ways.sort((a, b) => a.link.order - b.link.order)[0]?.end;
}

function cameraKey(event: KeyboardEvent, { camera }: Scene): boolean {
  const pan = event.shiftKey ? PANS[event.key] : undefined;
  if (pan) camera.pan(...pan);
  else if (event.key === '+' || event.key === '=') camera.zoomAt(1.25);
  else if (event.key === '-') camera.zoomAt(0.8);
  else if (event.key === '0') camera.fit();
  else return false;
  return true;
}

function playerKey(key: string, player: Player): boolean {
  if (player.track.length === 0) return false;
  const keys: Record<string, () => void> = {
    ' ': () => player.toggle(),
    ArrowRight: () => player.step(),
    ArrowLeft: () => player.back(),
    '.': () => player.step(),
    ',': () => player.back(),
    Home: () => player.seek(0),
    End: () => player.seek(player.track.length),
    '[': () => player.shift(-1),
    ']': () => player.shift(1),
    n: () => player.nextSum(),
  };
  keys[key]?.();
  return key in keys;
}

// The bar of the player: buttons, slider, speed and the choice of a pass; and the buttons of the camera.

import type { Camera } from './camera';
import { h, s, say, set } from './dom';
import { SPEEDS, type Player } from './player';
import { place } from './say';
import type { Timeline } from './timeline';
import type { Tape } from './validate';

const ICONS = {
  first: 'M2 2h2v10H2zM13 2v10L5 7z',
  back: 'M11 2v10L3 7z',
  play: 'M3 1.5v11L12.5 7z',
  pause: 'M3 2h3v10H3zM8 2h3v10H8z',
  step: 'M3 2v10l8-5z',
  last: 'M10 2h2v10h-2zM1 2v10l8-5z',
};

export class Controls {
  readonly element = h('div', { class: 'bar bottom', role: 'group', 'aria-label': 'Backward pass' });
  readonly #buttons;
  readonly #slider;
  readonly #count = h('span', { class: 'count', 'aria-hidden': 'true' });
  readonly #speed;
  readonly #pass;

  constructor(
    tape: Tape,
    readonly timeline: Timeline,
    readonly player: Player,
  ) {
    const sums = timeline.steps.some((_, i) => player.track.isSum(i + 1));
    this.#buttons = {
      first: button('first', 'To the start (Home)', () => player.seek(0)),
      back: button('back', 'One step back (←)', () => player.back()),
      play: button('play', 'Play (space)', () => player.toggle()),
      step: button('step', 'One step (→)', () => player.step()),
      last: button('last', 'To the end (End)', () => player.seek(timeline.length)),
      sum: h(
        'button',
        {
          'data-role': 'next-sum',
          title: 'Next accumulation (n)',
          'aria-label': 'Next accumulation',
          onclick: () => player.nextSum(),
        },
        '+=',
      ),
    };
    this.#buttons.play.classList.add('main');
    this.#buttons.sum.hidden = !sums;
    this.#slider = h('input', {
      type: 'range',
      min: 0,
      max: timeline.length,
      step: 1,
      'data-role': 'scrub',
      'aria-label': 'Step of the backward pass',
      oninput: () => player.seek(Number(this.#slider.value)),
    });
    this.#speed = choice(
      'Speed ([ and ])',
      'speed',
      SPEEDS.map((speed) => [speed, `${speed}×`]),
      (speed) => (player.speed = speed),
    );
    this.#pass = choice('Pass', 'pass', passes(tape, timeline), (at) => player.seek(at));
    this.#pass.hidden = timeline.starts.length < 2;
    this.element.append(...Object.values(this.#buttons), this.#slider, this.#count, this.#pass, this.#speed);
  }

  update(): void {
    const { k, playing, speed } = this.player;
    const { length, starts } = this.timeline;
    const { first, back, play, step, last, sum } = this.#buttons;
    first.disabled = back.disabled = k === 0;
    step.disabled = last.disabled = k >= length;
    sum.disabled = !this.player.hasNextSum;
    set(play, { 'aria-label': playing ? 'Pause' : 'Play', title: `${playing ? 'Pause' : 'Play'} (space)` });
    set(play.querySelector('path')!, { d: playing ? ICONS.pause : ICONS.play });
    this.#slider.value = String(k);
    set(this.#slider, { 'aria-valuetext': `Step ${k} of ${length}` });
    say(this.#count, `${k} / ${length}`);
    this.#speed.value = String(speed);
    this.#pass.value = String(starts.findLast(({ at }) => at < Math.max(1, k))?.at ?? 0);
  }
}

function passes(tape: Tape, timeline: Timeline): [number, string][] {
  return timeline.starts.map(({ pass, at }, i) => {
    const where = place(tape, pass.span);
    return [at, `pass ${i + 1}${where ? `, ${where}` : ''}`];
  });
}

function button(role: keyof typeof ICONS, title: string, onclick: () => void): HTMLButtonElement {
  const icon = s('svg', { viewBox: '0 0 14 14', 'aria-hidden': 'true' }, s('path', { d: ICONS[role] }));
  return h('button', { 'data-role': role, title, 'aria-label': title.replace(/ \(.*/, ''), onclick }, icon);
}

function choice(
  title: string,
  role: string,
  options: [number, string][],
  chosen: (value: number) => void,
): HTMLSelectElement {
  const select = h('select', {
    title,
    'aria-label': title.replace(/ \(.*/, ''),
    'data-role': role,
    onchange: () => chosen(Number(select.value)),
  });
  select.append(...options.map(([value, text]) => h('option', { value }, text)));
  return select;
}

export function zoomButtons(camera: Camera): HTMLElement {
  const button = (role: string, title: string, sign: string, onclick: () => void) =>
    h('button', { 'data-role': role, title, 'aria-label': title.replace(/ \(.*/, ''), onclick }, sign);
  return h(
    'div',
    { class: 'zoom', role: 'group', 'aria-label': 'Zoom' },
    button('zoom-out', 'Zoom out (-)', '−', () => camera.zoomAt(0.8)),
    button('fit', 'Fit the graph (0)', '⤢', () => camera.fit()),
    button('zoom-in', 'Zoom in (+)', '+', () => camera.zoomAt(1.25)),
  );
}

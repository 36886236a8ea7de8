// A loop's course in one line: the loss of every step, also of those whose ops were not kept.

import { h, s } from './dom';
import { number } from './format';
import type { Tape } from './validate';

const WIDTH = 240;
const HEIGHT = 30;

type StepFigures = Tape['steps'][number];

export function course({ steps }: Tape): HTMLElement | undefined {
  const known = steps.filter((step): step is StepFigures & { loss: number } => typeof step.loss === 'number');
  if (known.length < 2) return undefined;
  const [first, last] = [known[0]!, known.at(-1)!];
  const odd = steps.length - known.length;
  const rounds = `steps ${number(first.index)} to ${number(last.index)}`;
  const text = `${rounds}, loss ${number(first.loss)} → ${number(last.loss)}`;
  const more = odd ? `, ${odd} without a finite loss` : '';
  return h(
    'div',
    { class: 'course', 'data-role': 'course' },
    line(known, text + more),
    h('span', {}, text + more, keptText(steps)),
  );
}

function keptText(steps: StepFigures[]): string {
  const kept = steps.filter(({ kept }) => kept).map(({ index }) => index);
  if (kept.length === 0 || kept.length === steps.length) return '';
  const first = kept.filter((index, i) => index - 1 !== kept[i - 1]);
  const last = kept.filter((index, i) => index + 1 !== kept[i + 1]);
  const runs = first.map((from, i) => (from === last[i] ? `${from}` : `${from}–${last[i]}`));
  return `; kept whole: ${runs.slice(0, 6).join(', ')}${runs.length > 6 ? ' …' : ''}`;
}

/** At most one point per pixel, drawn over a linear axis from the least to the greatest loss. */
function line(steps: (StepFigures & { loss: number })[], label: string): SVGSVGElement {
  const stride = Math.ceil(steps.length / WIDTH);
  const shown = steps.filter((_, i) => i % stride === 0 || i === steps.length - 1);
  const losses = shown.map(({ loss }) => loss);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const [start, end] = [shown[0]!.index, shown.at(-1)!.index];
  const at = ({ index, loss }: (typeof shown)[number]): [number, number] => [
    3 + ((WIDTH - 6) * (index - start)) / (end - start || 1),
    high > low ? 3 + ((HEIGHT - 6) * (high - loss)) / (high - low) : HEIGHT / 2,
  ];
  const points = shown
    .map((step) =>
      at(step)
        .map((x) => x.toFixed(1))
        .join(','),
    )
    .join(' ');
  const dots = shown
    .filter(({ kept }) => kept)
    .map((step) => s('circle', { cx: at(step)[0], cy: at(step)[1], r: 2.2 }));
  return s(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label },
    s('polyline', { points }),
    ...dots,
  );
}

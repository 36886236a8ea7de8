// Colours of gradients: diverging for single numbers, by logarithmic size for tensors; oddities get a form of their own.

import { brief, number, oddity, rms, scalar, type Oddity } from './format';
import type { Scale, Step, Timeline } from './timeline';
import type { Summary } from './validate';

export interface Look {
  hue: 'plus' | 'minus' | 'size' | 'bad' | 'none';
  /** From 0, nothing, to 1, the pass's largest. */
  strength: number;
  odd?: Oddity;
}

/** How many powers of ten below the pass's largest tensor still have a colour of their own. */
const DECADES = 4;
/** Marks that stand before what is not an ordinary number, so that colour is not needed to tell. */
const MARKS: Record<Oddity, string> = { zero: '○ ', nan: '⚠ ', inf: '▲ ', none: '' };

export function look(gradient: Summary | undefined, scale: Scale): Look {
  const odd = oddity(gradient);
  if (odd) return { hue: odd === 'nan' || odd === 'inf' ? 'bad' : 'none', strength: 0, odd };
  const one = scalar(gradient);
  if (typeof one === 'number')
    return { hue: one < 0 ? 'minus' : 'plus', strength: Math.sqrt(Math.min(1, Math.abs(one) / (scale.scalar || 1))) };
  const size = rms(gradient!) ?? 0;
  const strength = size > 0 ? 1 + Math.log10(size / (scale.tensor || size)) / DECADES : 0;
  return { hue: 'size', strength: Math.min(1, Math.max(0, strength)) };
}

/** The look of the gradient that a step brings. */
export function lookOf({ event, pass }: Step, timeline: Timeline): Look {
  const tensor = event && (event.kind === 'seed' ? event.gradient : event.contribution);
  return look(tensor, timeline.scale(pass));
}

/** The gradient in a few characters, with the mark of what is odd about it. */
export function label(gradient: Summary | undefined, limit: number): string {
  const odd = oddity(gradient);
  const mark = odd ? MARKS[odd] : '';
  if (!gradient) return 'None';
  const text = brief(gradient, limit);
  if (odd === 'zero') return `${mark}${scalar(gradient) === undefined ? `0 ${text}` : '0'}`;
  if (odd) return `${mark}${scalar(gradient) === undefined ? `${odd} in ${text}` : text}`;
  const size = rms(gradient);
  return text.startsWith('(') && size !== undefined ? `rms ${number(Number(size.toPrecision(3)))}` : text;
}

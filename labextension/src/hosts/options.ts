// The options of a view as they come from a notebook file or a kernel: unknown data, of which only what is valid counts.
import type { ViewOptions } from '../graph';

const WORDS = {
  view: ['auto', 'graph', 'code', 'hand', 'table', 'none'],
  collapse: ['auto', 'module', 'line', 'none'],
  start: ['none', 'play', 'step'],
  theme: ['auto', 'light', 'dark'],
} as const;

const HEIGHT = { min: 120, max: 4000 };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function readOptions(raw: unknown): ViewOptions {
  if (!isRecord(raw)) return {};
  const options: Record<string, unknown> = {};
  for (const [key, words] of Object.entries(WORDS)) {
    if ((words as readonly unknown[]).includes(raw[key])) options[key] = raw[key];
  }
  if (typeof raw['animate'] === 'boolean') options['animate'] = raw['animate'];
  const height = raw['height'];
  if (typeof height === 'number' && height >= HEIGHT.min && height <= HEIGHT.max) options['height'] = height;
  return options;
}

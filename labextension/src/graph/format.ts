// Numbers, shapes and tensors as short text.

import type { Num, Summary } from './schema';

/** Four significant digits; whole numbers whole; very large and small ones with an exponent. */
export function number(value: Num | undefined): string {
  if (value === undefined) return '–';
  if (typeof value !== 'number') return value === 'inf' ? 'inf' : value === '-inf' ? '-inf' : String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4)
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

/** `(4, 8)`; `scalar` for the shape of a single number. */
export function shape(dims: readonly number[]): string {
  return dims.length === 0 ? 'scalar' : `(${dims.join(', ')}${dims.length === 1 ? ',' : ''})`;
}

export function count(dims: readonly number[]): number {
  return dims.reduce((product, n) => product * n, 1);
}

/** A number of things: `1 op`, `3 ops`. */
export function plural(n: number, noun: string, many = `${noun}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? noun : many}`;
}

/** The single number that a tensor of one element holds. */
export function scalar(tensor: Summary | undefined): Num | undefined {
  return tensor?.data?.length === 1 ? tensor.data[0] : undefined;
}

/** Whether `brief` shows every element. */
export function isSmall(tensor: Summary, limit = 24): boolean {
  return whole(tensor, limit) !== undefined;
}

/** All elements where they fit into `limit` characters, else the shape. */
export function brief(tensor: Summary | undefined, limit = 24): string {
  if (!tensor) return 'None';
  return whole(tensor, limit) ?? shape(tensor.shape);
}

/** As `brief`, but a large tensor also shows how large its elements are. */
export function sized(tensor: Summary | undefined, limit = 24): string {
  if (!tensor || isSmall(tensor, limit)) return brief(tensor, limit);
  const size = rms(tensor);
  return size === undefined ? shape(tensor.shape) : `${shape(tensor.shape)} rms ${number(size)}`;
}

function whole({ data, shape: dims }: Summary, limit: number): string | undefined {
  // Each element takes three characters at least, each axis two: do not format what cannot fit.
  if (!data || data.length * 3 > limit + 9 || dims.length * 2 > limit) return undefined;
  const text = nested(data, dims);
  return text.length <= limit || data.length === 1 ? text : undefined;
}

/** The elements in nested brackets, as NumPy prints them. */
export function nested(data: readonly Num[], dims: readonly number[], write: (x: Num) => string = number): string {
  let parts = data.map((x) => write(x));
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const size = dims[axis]!;
    if (size === 0) return '[]';
    const rows: string[] = [];
    for (let i = 0; i < parts.length; i += size) rows.push(`[${parts.slice(i, i + size).join(', ')}]`);
    parts = rows;
  }
  return parts.join(', ');
}

/** The root mean square of the elements: how large a tensor is, whatever its shape. */
export function rms(tensor: Summary): number | undefined {
  const { data, norm } = tensor;
  if (typeof norm === 'number') return norm / Math.sqrt(Math.max(1, count(tensor.shape)));
  if (!data || data.length === 0) return undefined;
  const squares = data.reduce<number>((sum, x) => sum + (typeof x === 'string' ? NaN : Number(x) ** 2), 0);
  return Number.isFinite(squares) ? Math.sqrt(squares / data.length) : undefined;
}

export type Oddity = 'none' | 'nan' | 'inf' | 'zero';

/** What is remarkable about a gradient, and must be seen without telling colours apart. */
export function oddity(tensor: Summary | undefined): Oddity | undefined {
  if (!tensor) return 'none';
  const { data } = tensor;
  if (tensor.nans || data?.includes('nan')) return 'nan';
  if (tensor.infs || data?.some((x) => x === 'inf' || x === '-inf')) return 'inf';
  const zero = data ? data.length > 0 && data.every((x) => x === 0 || x === false) : tensor.norm === 0;
  return zero ? 'zero' : undefined;
}

/** `text` in at most `limit` characters. */
export function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, Math.max(1, limit - 1))}…`;
}

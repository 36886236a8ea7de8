// Reads a packed trace: what occurs several times stands once in it; nbautograd/trace/packed.py tells how.

const FORMAT = 'packed-1';
/** A trace is nested less deeply than this. */
const DEEPEST = 40;

/** The trace as it was before it was packed, or what is no packed trace as it is; undefined for what breaks the rules. */
export function unpack(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || (input as { version?: unknown }).version !== FORMAT) return input;
  const { shapes, shared, trace } = input as Record<string, unknown>;
  if (!Array.isArray(shapes) || !Array.isArray(shared)) return undefined;
  const known: unknown[] = [];
  const read = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string' && value.startsWith('#'))
      return value.startsWith('##') ? value.slice(1) : known[Number(value.slice(1))];
    if (!Array.isArray(value) || depth > DEEPEST) return Array.isArray(value) ? undefined : value;
    const [head, ...rest] = value as unknown[];
    const items = rest.map((item) => read(item, depth + 1));
    if (head === -1) return items;
    const names: unknown = shapes[head as number];
    return Array.isArray(names) ? Object.fromEntries(names.map((name, i) => [String(name), items[i]])) : undefined;
  };
  for (const entry of shared) known.push(read(entry, 0));
  return read(trace, 0);
}

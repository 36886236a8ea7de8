// A route as a smooth curve: its path for the eye, and points along it for what travels on it.

export type Point = [number, number];

const SAMPLES = 12;
const HEAD = 5;

/** Cubic curves from point to point which leave and arrive vertically. */
export function path(points: readonly Point[]): string {
  const parts = [`M${point(points[0]!)}`];
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1]!, points[i]!];
    const middle = (y0 + y1) / 2;
    parts.push(x0 === x1 ? `V${round(y1)}` : `C${point([x0, middle])} ${point([x1, middle])} ${point([x1, y1])}`);
  }
  return parts.join('');
}

/** An arrow head that ends at the route's last point. */
export function head(points: readonly Point[]): string {
  const [x, y] = points.at(-1)!;
  return `M${point([x, y])}l${-HEAD} ${-HEAD * 1.6}h${2 * HEAD}z`;
}

/** Points along the same curve, close enough to move along in straight lines. */
export function samples(points: readonly Point[]): Point[] {
  const out: Point[] = [points[0]!];
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1]!, points[i]!];
    for (let j = 1; j <= SAMPLES; j++) {
      const t = j / SAMPLES;
      const bend = t * t * (3 - 2 * t);
      out.push([x0 + (x1 - x0) * bend, y0 + (y1 - y0) * (1.5 * t * (1 - t) + t ** 3)]);
    }
  }
  return out;
}

/** The point at a share of the way, measured along the line. */
export function along(line: readonly Point[], share: number): Point {
  const lengths = line.map(([x, y], i) => (i === 0 ? 0 : Math.hypot(x - line[i - 1]![0], y - line[i - 1]![1])));
  let rest = lengths.reduce((sum, length) => sum + length, 0) * share;
  for (let i = 1; i < line.length; i++) {
    const length = lengths[i]!;
    if (rest <= length) {
      const [[x0, y0], [x1, y1]] = [line[i - 1]!, line[i]!];
      const t = length ? rest / length : 0;
      return [x0 + (x1 - x0) * t, y0 + (y1 - y0) * t];
    }
    rest -= length;
  }
  return line.at(-1)!;
}

function point([x, y]: Point): string {
  return `${round(x)} ${round(y)}`;
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}

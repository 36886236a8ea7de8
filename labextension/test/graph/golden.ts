// The golden traces that pytest reads too.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagram } from '../../src/graph/diagram';
import type { Folding } from '../../src/graph/fold';
import type { Layout } from '../../src/graph/layout';
import type { Trace } from '../../src/graph/schema';

const FOLDER = join(import.meta.dirname, '../../../tests/golden');

interface Picture extends Omit<Folding, 'expanded'> {
  expanded: string[];
  diagram: Diagram;
  layout: Layout;
}

interface Golden {
  name: string;
  trace: Trace;
  pictures: Picture[];
  listing: [text: string, op: number | null, step: number | null][];
}

export const goldens: Golden[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, ...(JSON.parse(readFileSync(join(FOLDER, name), 'utf-8')) as Omit<Golden, 'name'>) }));

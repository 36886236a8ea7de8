// Options come from saved files: only what is known and valid gets through.
import { expect, test } from 'vitest';
import { readOptions } from '../../src/hosts/options';

test('valid options pass', () => {
  const options = { view: 'table', collapse: 'line', start: 'step', theme: 'dark', animate: false, height: 300 };
  expect(readOptions(options)).toEqual(options);
});

test('what is unknown or invalid is left out', () => {
  expect(readOptions({ view: 'evil', height: 1e9, animate: 'yes', onHoverSpan: 'alert(1)', theme: ['dark'] })).toEqual({});
});

test.each([null, undefined, 'graph', 3, ['graph']])('%j is no options at all', raw => {
  expect(readOptions(raw)).toEqual({});
});

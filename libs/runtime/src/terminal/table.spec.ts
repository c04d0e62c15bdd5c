import { expect, test } from 'vitest';
import { formatTable } from './table.js';

test('columns line up, also with colours and wide characters, and lines end without blanks', () => {
  const rows = [
    ['image', 'caption', 'BLEU'],
    ['1', '犬が走る', '0.5'],
    ['12', '\u001b[1ma dog\u001b[22m', '0.25'],
    ['3', ''],
  ];
  expect(formatTable(rows, 'rlr')).toBe(
    'image  caption   BLEU\n    1  犬が走る   0.5\n   12  \u001b[1ma dog\u001b[22m     0.25\n    3',
  );
});

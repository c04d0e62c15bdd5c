import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GoldenValues } from '@captrain/model/testing';
import { goldenCases } from '@captrain/model/testing';
import type { ParityGroup } from './context.js';
import { type ParityRow, atMost, identical } from './row.js';

/** Where the tests read what this part writes. */
const goldenFile = path.resolve(import.meta.dirname, '../../../libs/model/src/golden/golden.json');

/** Small models by seed, which `npm test` compares with what PyTorch said here. */
export const golden: ParityGroup = {
  name: 'golden',
  run: async (context) => {
    const all: Record<string, GoldenValues> = {};
    const rows: ParityRow[] = [];
    for (const each of goldenCases) {
      context.progress(each.name);
      const folder = path.join(context.folder, each.name.replaceAll(' ', '-'));
      await each.write(folder);
      await context.peer('golden.py', folder, each.kind);
      const theirs = JSON.parse(await readFile(path.join(folder, 'results.json'), 'utf8')) as GoldenValues;
      const ours = await each.compute(folder);
      for (const part of Object.keys(ours))
        rows.push(compare(`small: ${each.name}, ${part}`, ours[part]!, theirs[part]!));
      all[each.name] = Object.fromEntries(Object.keys(ours).map((part) => [part, rounded(theirs[part]!)]));
    }
    if (context.golden) await writeFile(goldenFile, `${JSON.stringify(all)}\n`);
    return rows;
  },
};

function compare(what: string, ours: GoldenValues[string], theirs: GoldenValues[string]): ParityRow {
  if (theirs.every((value) => typeof value === 'string')) return identical(what, ours, theirs);
  const numbers = theirs as number[];
  const largest = Math.max(...numbers.map(Math.abs));
  const worst = Math.max(...numbers.map((value, i) => Math.abs(value - Number(ours[i]))));
  return atMost(`${what}, of the largest`, 1e-5, worst / largest);
}

/** Six figures: more than the tests compare. */
function rounded(values: GoldenValues[string]): GoldenValues[string] {
  return values.map((value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value));
}

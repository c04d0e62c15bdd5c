import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenCases } from './golden-cases.js';
import type { GoldenValues } from './golden-case.js';

let folder: string;
let golden: Record<string, GoldenValues>;
beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  folder = await mkdtemp(path.join(tmpdir(), 'captrain-golden-'));
  golden = JSON.parse(await readFile(new URL('./golden.json', import.meta.url), 'utf8'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('small models compute what PyTorch computed (npm run parity -- --golden)', () => {
  test.each(goldenCases.map((each) => [each.name, each] as const))('%s', async (name, each) => {
    const place = path.join(folder, name);
    await each.write(place);
    const ours = await each.compute(place);
    const theirs = golden[name]!;
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    for (const [part, values] of Object.entries(theirs)) expectSame(ours[part]!, values, part);
  });
});

/** Texts must be equal; numbers within 1e-4 of the largest. */
function expectSame(
  ours: readonly (number | string)[],
  theirs: readonly (number | string)[],
  part: string,
): void {
  if (theirs.every((value) => typeof value === 'string')) return expect(ours, part).toEqual(theirs);
  expect(ours.length, part).toBe(theirs.length);
  const numbers = theirs as number[];
  const scale = Math.max(...numbers.map(Math.abs));
  const worst = Math.max(...numbers.map((value, i) => Math.abs(value - Number(ours[i]))));
  expect(scale, part).toBeGreaterThan(0);
  expect(worst / scale, part).toBeLessThan(1e-4);
}

import { expect, test } from 'vitest';
import { withChunk } from './sum-checksum.js';

const chunks = [
  [0, 0x1234],
  [1024, 0xffffffff],
  [2048, 0],
] as const;
const of = (all: readonly (readonly [number, number])[]) =>
  all.reduce((before, [first, checksum]) => withChunk(before, first, checksum), 0);

test('a sum has the same checksum in whatever order its chunks come', () => {
  expect(of(chunks.toReversed())).toBe(of(chunks));
});

test('it has another one with another chunk, or with two that have changed places', () => {
  const [a, b, c] = chunks;
  expect(of([a, b, [2048, 1]])).not.toBe(of(chunks));
  expect(of([[a[0], b[1]], [b[0], a[1]], c])).not.toBe(of(chunks));
});

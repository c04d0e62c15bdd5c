import { expect, test } from 'vitest';
import { packBatch } from './packed-batch.js';

const options = { embeddingDim: 2, prefixLength: 3 };
const rows = (array: Int32Array, width: number) =>
  Array.from({ length: array.length / width }, (_, row) => [
    ...array.subarray(row * width, (row + 1) * width),
  ]);

test('captions of one image share its prefix, and the words that they begin with', () => {
  const tokens = [[5, 6, 7], [8], [5, 6, 9, 4], [5, 3], [5, 6, 7]];
  const packed = packBatch({ embeddings: new Float32Array(4), tokens, images: [1, 0, 1, 1, 1] }, options);
  expect(packed.captionTokens).toBe(13);
  expect([...packed.tokens_M]).toEqual([5, 6, 9]);
  expect([...packed.positions_N]).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5]);
  expect(rows(packed.segments_S3, 3).slice(0, 4)).toEqual([
    [0, 3, -1],
    [3, 6, -1],
    [6, 9, 1],
    [0, 0, -1],
  ]);
  expect([...packed.predicting_R]).toEqual([2, 5, 6, 7, 8]);
  expect([...packed.targets_T]).toEqual([8, 5, 5, 5, 5, 6, 6, 3, 6, 7, 9, 7, 4]);
  expect([...packed.targetRows_T]).toEqual([0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4]);
});

test('where captions part, runs end: their children see them whole', () => {
  const tokens = [
    [1, 2, 3, 0],
    [1, 2, 4, 5, 0],
    [7, 0],
  ];
  const packed = packBatch({ embeddings: new Float32Array(2), tokens, images: [0, 0, 0] }, options);
  expect([...packed.tokens_M]).toEqual([1, 2, 3, 4, 5, 7]);
  expect([...packed.positions_N]).toEqual([0, 1, 2, 3, 4, 5, 5, 6, 3]);
  expect(rows(packed.segments_S3, 3).slice(0, 5)).toEqual([
    [0, 3, -1],
    [3, 5, 0],
    [5, 6, 1],
    [6, 8, 1],
    [8, 9, 0],
  ]);
});

test('without images each caption has its own', () => {
  const packed = packBatch({ embeddings: new Float32Array(4), tokens: [[5, 6], [5]] }, options);
  expect([...packed.predicting_R]).toEqual([2, 5, 6]);
  expect([...packed.targetRows_T]).toEqual([0, 1, 2]);
  expect([...packed.targets_T]).toEqual([5, 5, 6]);
});

test('padding to a bucket stands behind everything: no segment has it, and it predicts nothing', () => {
  const batch = { embeddings: new Float32Array(2), tokens: [[5, 6, 7]] };
  const packed = packBatch(batch, { ...options, bucket: () => 8 });
  expect([...packed.tokens_M]).toEqual([5, 6, 0, 0, 0]);
  expect([...packed.positions_N]).toEqual([0, 1, 2, 3, 4, 0, 0, 0]);
  expect(rows(packed.segments_S3, 3)).toEqual([
    [0, 3, -1],
    [3, 5, 0],
    [0, 0, -1],
  ]);
  expect([...packed.predicting_R]).toEqual([2, 3, 4, 5, 6, 7]);
  expect([...packed.targets_T]).toEqual([5, 6, 7, ...Array<number>(125).fill(0)]);
  expect([...packed.targetRows_T]).toEqual([0, 1, 2, ...Array<number>(125).fill(-1)]);
});

test('in buckets, how much captions have in common does not show in the shapes', () => {
  const shapesOf = (...tokens: number[][]) => {
    const batch = { embeddings: new Float32Array(2), tokens, images: [0, 0] };
    const packed = packBatch(batch, { ...options, bucket: (rows) => Math.ceil(rows / 16) * 16 });
    return Object.values(packed).map((value) => (value instanceof Int32Array ? value.length : undefined));
  };
  const apart = shapesOf([5, 6, 7, 8], [9, 6, 7, 8]);
  expect(shapesOf([5, 6, 7, 8], [5, 6, 7, 9])).toEqual(apart);
  expect(shapesOf([5, 6, 7, 8], [5, 6])).toEqual(apart);
});

test('a caption without a token, and one about no image, are refused', () => {
  expect(() => packBatch({ embeddings: new Float32Array(2), tokens: [[]] }, options)).toThrow('at least one');
  expect(() => packBatch({ embeddings: new Float32Array(2), tokens: [[1], [2]] }, options)).toThrow(
    'embeddings of 1 images for 2 captions',
  );
  expect(() =>
    packBatch({ embeddings: new Float32Array(2), tokens: [[1], [2]], images: [0, 3] }, options),
  ).toThrow('caption 1 is about image 3 of 1');
});
